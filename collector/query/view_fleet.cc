// `candor fleet`: the fleet in one look. Its score and where it is going, who reports, what costs
// most time, which domains are weak.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "collector/query/bootstrap.h"
#include "collector/query/score_frame.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int kTrendDays = 7;
constexpr double kCoverageApartMax = 0.10;

Table FleetTable() {
  Table table;
  table.name = "fleet";
  table.title = "The fleet";
  table.record = true;
  table.columns = {ScoreColumn("score", "score"),
                   TextColumn("grade", "grade"),
                   NumberColumn("score_low", "95 % interval, low").Hidden(),
                   NumberColumn("score_high", "95 % interval, high").Hidden(),
                   SeriesColumn("trend", "trend"),
                   NumberColumn("score_change_7d", "change in 7 days").Style(ColumnStyle::kChange),
                   NumberColumn("weak_devices_pct", "devices with a weak domain %"),
                   NumberColumn("lost_min_per_day", "minutes lost a device-day"),
                   IntegerColumn("devices", "devices"),
                   IntegerColumn("reporting", "seen in the last day"),
                   IntegerColumn("silent", "silent for a week"),
                   IntegerColumn("scored", "with a score"),
                   IntegerColumn("device_days", "device-days"),
                   NumberColumn("coverage", "coverage", 2)};
  return table;
}

struct Roll {
  int64_t devices = 0;
  int64_t reporting = 0;
  int64_t silent = 0;
};

Roll CallRoll(const std::vector<DeviceInfo>& devices, int64_t now_ms) {
  Roll roll;
  for (const DeviceInfo& device : devices) {
    if (device.revoked) continue;
    ++roll.devices;
    const int64_t age_ms = now_ms - device.last_seen_ms.value_or(device.enrolled_ms);
    if (device.last_seen_ms && age_ms <= kDayMs) ++roll.reporting;
    if (age_ms > 7 * kDayMs) ++roll.silent;
  }
  return roll;
}

// The last seven days that have scores against the seven before. Days of very different coverage do
// not compare.
struct Week {
  Mean score;
  Mean coverage;
};
Cell ChangeOf(const std::vector<FrameDay>& days) {
  int64_t last = 0;
  for (const FrameDay& day : days) last = std::max(last, day.day);
  Week weeks[2];
  for (const FrameDay& day : days) {
    const int64_t ago = (last - day.day) / kTrendDays;
    if (ago > 1 || !day.score) continue;
    weeks[ago].score.Add(*day.score);
    weeks[ago].coverage.Add(day.coverage);
  }
  const auto now = weeks[0].score.value();
  const auto before = weeks[1].score.value();
  if (!now || !before) return std::monostate{};
  const double apart = *weeks[0].coverage.value() - *weeks[1].coverage.value();
  if (apart > kCoverageApartMax || apart < -kCoverageApartMax) return std::monostate{};
  return *now - *before;
}

double WeakPct(const DomainFrame& domains) {
  size_t weak = 0;
  for (const auto& [device, means] : domains.means) weak += HasWeakDomain(means) ? 1 : 0;
  return 100.0 * static_cast<double>(weak) / static_cast<double>(domains.means.size());
}

absl::StatusOr<Table> BuildFleet(ViewContext& context, const ViewRequest& request,
                                 const std::vector<FrameDay>& days, const DomainFrame& domains) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  CANDOR_ASSIGN_OR_RETURN(const auto model, context.models.Find(kDefaultModel));
  const Roll roll = CallRoll(devices, context.now_ms);
  Mean score;
  Mean coverage;
  Mean lost_min;
  std::vector<BootstrapUnit> units;
  for (const DeviceScore& device : SumByDevice(days)) {
    score.Merge(device.score);
    coverage.Merge(device.coverage);
    lost_min.Merge(device.lost_min);
    if (device.score.value()) units.push_back({device.score.sum(), device.score.count()});
  }
  const std::optional<ScoreInterval> interval = BootstrapInterval(units);
  Table table = FleetTable();
  const auto mean = score.value();
  table.rows.push_back({ToCell(mean), mean ? Cell(std::string(GradeOf(*model, *mean))) : Cell(),
                        interval ? Cell(interval->low) : Cell(),
                        interval ? Cell(interval->high) : Cell(), DailyMeans(days, request.period),
                        ChangeOf(days), domains.means.empty() ? Cell() : Cell(WeakPct(domains)),
                        ToCell(lost_min.value()), roll.devices, roll.reporting, roll.silent,
                        static_cast<int64_t>(units.size()), static_cast<int64_t>(days.size()),
                        ToCell(coverage.value())});
  table.notes.push_back(
      Concat(FormatPeriod(request.period, context.now_ms), "; a weak domain has a mean below 60"));
  if (interval) {
    table.notes.push_back(Concat("95 % interval of the score: ", FormatFixed(interval->low, 1),
                                 " to ", FormatFixed(interval->high, 1)));
  }
  if (days.empty()) table.notes.emplace_back("no device has a day with a score yet");
  return table;
}

absl::StatusOr<Table> BuildTimeLost(ViewContext& context, const ViewRequest& request,
                                    size_t device_days) {
  Table table;
  table.name = "time_lost";
  table.title = "What costs most time";
  table.columns = {TextColumn("cause", "cause").Key(), NumberColumn("lost_min", "minutes", 0),
                   NumberColumn("lost_min_per_day", "min/device-day", 2),
                   NumberColumn("share_pct", "share %"), IntegerColumn("devices", "devices")};
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT t.cause, sum(t.minutes) AS lost, count(DISTINCT t.device) "
                         "FROM score s JOIN time_lost t ON t.device = s.device AND t.day = s.day "
                         "WHERE s.day BETWEEN ? AND ? AND s.provisional = 0 AND t.minutes > 0 "
                         "GROUP BY t.cause ORDER BY lost DESC, t.cause"));
  select.BindAll(request.period.from_day, request.period.to_day);
  double total = 0;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) break;
    total += select.Real(1);
    table.rows.push_back({std::string(select.Text(0)), select.Real(1),
                          select.Real(1) / static_cast<double>(std::max<size_t>(device_days, 1)),
                          std::monostate{}, select.Int(2)});
  }
  for (Row& row : table.rows) row[3] = 100 * *NumberIn(row[1]) / total;
  return table;
}

Table BuildDomains(const DomainFrame& frame) {
  Table table;
  table.name = "domains";
  table.title = "Domains";
  table.columns = {TextColumn("domain", "domain").Key(), ScoreColumn("points", "points"),
                   IntegerColumn("devices", "devices"),
                   IntegerColumn("weak_devices", "weak devices")};
  for (size_t i = 0; i < frame.domains.size(); ++i) {
    Mean all;
    int64_t measured = 0;
    int64_t weak = 0;
    for (const auto& [device, means] : frame.means) {
      const auto mean = means[i].value();
      if (!mean) continue;
      all.Merge(means[i]);
      ++measured;
      weak += *mean < kWeakDomainPoints ? 1 : 0;
    }
    table.rows.push_back({frame.domains[i], ToCell(all.value()), measured, weak});
  }
  std::stable_sort(table.rows.begin(), table.rows.end(),
                   [](const Row& a, const Row& b) { return CompareCells(a[1], b[1]) < 0; });
  return table;
}

}  // namespace

Answer AnswerFleet(ViewContext& context, const ViewRequest& request) {
  if (request.columns_only) return std::vector<Table>{FleetTable()};
  CANDOR_ASSIGN_OR_RETURN(const std::vector<FrameDay> days, LoadFrameDays(context, request.period));
  CANDOR_ASSIGN_OR_RETURN(const DomainFrame domains, LoadDomains(context, request.period));
  std::vector<Table> tables;
  CANDOR_ASSIGN_OR_RETURN(tables.emplace_back(), BuildFleet(context, request, days, domains));
  CANDOR_ASSIGN_OR_RETURN(tables.emplace_back(), BuildTimeLost(context, request, days.size()));
  tables.push_back(BuildDomains(domains));
  return tables;
}

}  // namespace candor
