#include "collector/query/score_frame.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "collector/query/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr uint64_t kProgressRows = 65'536;

// Steps through `select`, telling progress now and then.
template <typename Fn>
absl::Status ForEachRow(ViewContext& context, Statement& select, std::string_view doing, Fn fn) {
  uint64_t rows = 0;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return absl::OkStatus();
    fn(select);
    if (++rows % kProgressRows == 0) CANDOR_RETURN_IF_ERROR(context.progress(doing, rows, 0));
  }
}

absl::StatusOr<std::unordered_map<int64_t, double>> ReadByDevice(ViewContext& context,
                                                                 Statement& select) {
  std::unordered_map<int64_t, double> values;
  CANDOR_RETURN_IF_ERROR(ForEachRow(context, select, "reading scores", [&](const Statement& row) {
    values.emplace(row.Int(0), row.Real(1));
  }));
  return values;
}

}  // namespace

absl::StatusOr<std::vector<FrameDay>> LoadFrameDays(ViewContext& context, const Period& period) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT device, day, score, coverage, lost_min FROM score "
                         "WHERE day BETWEEN ? AND ? AND provisional = 0 ORDER BY device, day"));
  select.BindAll(period.from_day, period.to_day);
  std::vector<FrameDay> days;
  CANDOR_RETURN_IF_ERROR(ForEachRow(context, select, "reading scores", [&](const Statement& row) {
    FrameDay& day = days.emplace_back();
    day.device = row.Int(0);
    day.day = row.Int(1);
    if (!row.IsNull(2)) day.score = row.Real(2);
    day.coverage = row.Real(3);
    day.lost_min = row.Real(4);
  }));
  return days;
}

std::vector<DeviceScore> SumByDevice(const std::vector<FrameDay>& days) {
  std::vector<DeviceScore> devices;
  for (const FrameDay& day : days) {
    if (devices.empty() || devices.back().device != day.device) {
      devices.emplace_back().device = day.device;
    }
    DeviceScore& device = devices.back();
    if (day.score) device.score.Add(*day.score);
    device.coverage.Add(day.coverage);
    device.lost_min.Add(day.lost_min);
  }
  return devices;
}

std::vector<double> DailyMeans(const std::vector<FrameDay>& days, const Period& period) {
  std::vector<Mean> means(static_cast<size_t>(period.days()));
  for (const FrameDay& day : days) {
    if (day.score) means[static_cast<size_t>(day.day - period.from_day)].Add(*day.score);
  }
  std::vector<double> series;
  for (const Mean& mean : means) {
    series.push_back(mean.value().value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  return series;
}

absl::StatusOr<DomainFrame> LoadDomains(ViewContext& context, const Period& period) {
  CANDOR_ASSIGN_OR_RETURN(const auto model, context.models.Find(kDefaultModel));
  DomainFrame frame;
  std::map<std::string, size_t, std::less<>> index;
  for (const DomainModel& domain : model->domains) {
    index.emplace(domain.name, frame.domains.size());
    frame.domains.push_back(domain.name);
  }
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare(
          "SELECT d.device, d.domain, sum(d.points), count(*) FROM score s JOIN score_domain d "
          "ON d.device = s.device AND d.day = s.day WHERE s.day BETWEEN ? AND ? "
          "AND s.provisional = 0 GROUP BY d.device, d.domain ORDER BY d.device, d.domain"));
  select.BindAll(period.from_day, period.to_day);
  CANDOR_RETURN_IF_ERROR(ForEachRow(context, select, "reading domains", [&](const Statement& row) {
    auto [at, is_new] = index.emplace(row.Text(1), frame.domains.size());
    if (is_new) frame.domains.emplace_back(row.Text(1));  // of another model
    std::vector<Mean>& means = frame.means[row.Int(0)];
    means.resize(std::max(means.size(), frame.domains.size()));
    means[at->second].Add(row.Real(2), static_cast<double>(row.Int(3)));
  }));
  for (auto& [device, means] : frame.means) means.resize(frame.domains.size());
  return frame;
}

bool HasWeakDomain(const std::vector<Mean>& domains) {
  return std::any_of(domains.begin(), domains.end(), [](const Mean& mean) {
    return mean.value().value_or(kWeakDomainPoints) < kWeakDomainPoints;
  });
}

absl::StatusOr<std::unordered_map<int64_t, double>> LoadMetricMeans(ViewContext& context,
                                                                    const Period& period,
                                                                    std::string_view metric) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT m.device, avg(m.value) FROM score s JOIN score_metric m "
                         "ON m.device = s.device AND m.day = s.day AND m.metric = ? "
                         "WHERE s.day BETWEEN ? AND ? AND s.provisional = 0 "
                         "AND m.value IS NOT NULL GROUP BY m.device"));
  select.BindAll(metric, period.from_day, period.to_day);
  return ReadByDevice(context, select);
}

absl::StatusOr<std::unordered_map<int64_t, double>> LoadLostMinutes(
    ViewContext& context, const Period& period, const std::vector<std::string>& causes) {
  std::vector<std::string> marks(causes.size(), "?");
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare(Concat(
          "SELECT t.device, sum(t.minutes) FROM score s JOIN time_lost t ON t.device = s.device "
          "AND t.day = s.day WHERE s.day BETWEEN ? AND ? AND s.provisional = 0 AND t.cause IN (",
          Join(marks, ", "), ") GROUP BY t.device")));
  select.BindAll(period.from_day, period.to_day);
  for (size_t i = 0; i < causes.size(); ++i) {
    select.BindText(static_cast<int>(i) + 3, causes[i]);
  }
  return ReadByDevice(context, select);
}

}  // namespace candor
