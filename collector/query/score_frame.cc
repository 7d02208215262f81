#include "collector/query/score_frame.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "collector/fold/score_pass.h"
#include "collector/query/coarse.h"
#include "collector/query/text.h"
#include "common/status.h"
#include "common/time_text.h"

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

constexpr double kCoverageApartMax = 0.10;

bool Wanted(const std::set<int64_t>* only, int64_t device) {
  return only == nullptr || only->contains(device);
}

const std::set<int64_t>* OnlyDevices(const ViewRequest& request) {
  return request.only_devices ? &*request.only_devices : nullptr;
}

// Finds models by name; days come in long runs of the same.
class ModelFinder {
 public:
  explicit ModelFinder(const ModelSet& models) : models_(models) {}
  const Model* Find(std::string_view name) {
    if (name == name_) return model_;
    name_ = std::string(name);
    const auto found = models_.Find(name);
    model_ = found.ok() ? found->get() : nullptr;  // the set keeps it
    return model_;
  }

 private:
  const ModelSet& models_;
  std::string name_;
  const Model* model_ = nullptr;
};

absl::StatusOr<std::vector<FrameDay>> ReadFrameDays(ViewContext& context, const Period& period,
                                                    const std::set<int64_t>* only) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT device, day, score, coverage, lost_min, model FROM score "
                         "WHERE day BETWEEN ? AND ? AND provisional = 0 ORDER BY device, day"));
  select.BindAll(period.from_day, period.to_day);
  ModelFinder models(context.models);
  std::vector<FrameDay> days;
  CANDOR_RETURN_IF_ERROR(ForEachRow(context, select, "reading scores", [&](const Statement& row) {
    if (!Wanted(only, row.Int(0))) return;
    FrameDay& day = days.emplace_back();
    day.device = row.Int(0);
    day.day = row.Int(1);
    if (!row.IsNull(2)) day.score = row.Real(2);
    day.coverage = row.Real(3);
    day.lost_min = row.Real(4);
    day.model = models.Find(row.Text(5));
  }));
  return days;
}

std::string NameOf(const Model* model) { return model == nullptr ? "another" : model->name; }

}  // namespace

absl::StatusOr<std::vector<FrameDay>> LoadFrameDays(ViewContext& context, const Period& period) {
  return ReadFrameDays(context, period, nullptr);
}

absl::StatusOr<std::vector<FrameDay>> LoadFrameDays(ViewContext& context,
                                                    const ViewRequest& request) {
  return ReadFrameDays(context, request.period, OnlyDevices(request));
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
    device.shown_lost_min.Add(CoarseAmount(day.lost_min));
  }
  return devices;
}

std::vector<ModelUse> ModelsUsed(std::span<const FrameDay> days) {
  std::vector<ModelUse> models;
  for (const FrameDay& day : days) {
    const auto at = std::find_if(models.begin(), models.end(),
                                 [&](const ModelUse& use) { return use.model == day.model; });
    if (at == models.end()) {
      models.push_back({day.model, day.day});
    } else {
      at->from_day = std::min(at->from_day, day.day);
    }
  }
  std::sort(models.begin(), models.end(),
            [](const ModelUse& a, const ModelUse& b) { return a.from_day < b.from_day; });
  return models;
}

std::string ModelNames(const std::vector<ModelUse>& models) {
  std::vector<std::string> names;
  for (const ModelUse& use : models) names.push_back(NameOf(use.model));
  return Join(names, ", ");
}

std::optional<std::string> BreakNote(const std::vector<ModelUse>& models) {
  if (models.size() < 2) return std::nullopt;
  std::vector<std::string> changes;
  for (size_t i = 1; i < models.size(); ++i) {
    changes.push_back(
        Concat("from ", FormatDay(models[i].from_day), " on by ", NameOf(models[i].model)));
  }
  return Concat("scored ", Join(changes, ", "),
                ": days before are not comparable and stand apart in trend_before");
}

Trend DailyMeans(std::span<const FrameDay> days, const Period& period, const Model* latest) {
  std::vector<Mean> means(static_cast<size_t>(period.days()));
  std::vector<Mean> before(means.size());
  bool broken = false;
  for (const FrameDay& day : days) {
    if (!day.score) continue;
    const auto at = static_cast<size_t>(day.day - period.from_day);
    (day.model == latest ? means : before)[at].Add(*day.score);
    broken |= day.model != latest;
  }
  const auto series = [](const std::vector<Mean>& of) {
    std::vector<double> out;
    for (const Mean& mean : of) {
      out.push_back(mean.value().value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    return out;
  };
  return {series(means), broken ? series(before) : std::vector<double>()};
}

absl::StatusOr<std::shared_ptr<const Model>> ModelOn(ViewContext& context, int64_t day) {
  CANDOR_ASSIGN_OR_RETURN(const ModelDates dates, ModelDates::Read(context.db, context.models));
  return dates.For(day);
}

absl::StatusOr<DomainFrame> LoadDomains(ViewContext& context, const ViewRequest& request) {
  const std::set<int64_t>* only = OnlyDevices(request);
  CANDOR_ASSIGN_OR_RETURN(const auto model, ModelOn(context, request.period.to_day));
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
  select.BindAll(request.period.from_day, request.period.to_day);
  CANDOR_RETURN_IF_ERROR(ForEachRow(context, select, "reading domains", [&](const Statement& row) {
    if (!Wanted(only, row.Int(0))) return;
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
      context.db.Prepare("SELECT m.device, m.value FROM score s JOIN score_metric m "
                         "ON m.device = s.device AND m.day = s.day AND m.metric = ? "
                         "WHERE s.day BETWEEN ? AND ? AND s.provisional = 0 "
                         "AND m.value IS NOT NULL"));
  select.BindAll(metric, period.from_day, period.to_day);
  std::unordered_map<int64_t, Mean> means;
  CANDOR_RETURN_IF_ERROR(ForEachRow(context, select, "reading scores", [&](const Statement& row) {
    means[row.Int(0)].Add(row.Real(1));
  }));
  std::unordered_map<int64_t, double> values;
  for (const auto& [device, mean] : means) values.emplace(device, *mean.value());
  return values;
}

absl::StatusOr<std::unordered_map<int64_t, LostMinutes>> LoadLostMinutes(
    ViewContext& context, const Period& period, const std::vector<std::string>& causes) {
  std::vector<std::string> marks(causes.size(), "?");
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          context.db.Prepare(Concat(
                              "SELECT t.device, t.cause, t.minutes FROM score s JOIN time_lost t "
                              "ON t.device = s.device AND t.day = s.day "
                              "WHERE s.day BETWEEN ? AND ? AND s.provisional = 0 AND t.cause IN (",
                              Join(marks, ", "), ")")));
  select.BindAll(period.from_day, period.to_day);
  for (size_t i = 0; i < causes.size(); ++i) {
    select.BindText(static_cast<int>(i) + 3, causes[i]);
  }
  std::unordered_map<int64_t, LostMinutes> lost;
  CANDOR_RETURN_IF_ERROR(
      ForEachRow(context, select, "reading time lost", [&](const Statement& row) {
        LostMinutes& of_device = lost[row.Int(0)];
        of_device.exact += row.Real(2);
        of_device.shown += ShownMinutes(row.Text(1), row.Real(2));
      }));
  return lost;
}

bool MustRound(const ViewRequest& request, size_t devices) {
  return devices <= 1 || request.only_devices.has_value();
}

bool CoverageComparable(double a, double b) { return std::abs(a - b) <= kCoverageApartMax; }

}  // namespace candor
