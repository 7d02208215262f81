// `candor fleet`: the fleet in one look. Its score and where it is going, who reports, what costs
// most time, which domains are weak.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "collector/query/bootstrap.h"
#include "collector/query/coarse.h"
#include "collector/query/score_frame.h"
#include "collector/query/shape.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr int kTrendDays = 7;
constexpr uint64_t kProgressRows = 65'536;
constexpr std::string_view kNotComparable = "not comparable";

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
                   TextColumn("change_7d_comparison", "these weeks").Hidden(),
                   NumberColumn("weak_devices_pct", "devices with a weak domain %"),
                   NumberColumn("lost_min_per_day", "minutes lost a device-day"),
                   IntegerColumn("devices", "devices"),
                   IntegerColumn("reporting", "seen in the last day"),
                   IntegerColumn("silent", "silent for a week"),
                   IntegerColumn("scored", "with a score"),
                   IntegerColumn("device_days", "device-days"),
                   NumberColumn("coverage", "coverage", 2),
                   TextColumn("score_model", "scored by").Hidden()};
  return table;
}

struct Roll {
  int64_t devices = 0;
  int64_t reporting = 0;
  int64_t silent = 0;
};

Roll CallRoll(const std::vector<DeviceInfo>& devices, const ViewRequest& request, int64_t now_ms) {
  Roll roll;
  for (const DeviceInfo& device : devices) {
    if (device.revoked) continue;
    if (request.only_devices && !request.only_devices->contains(device.no)) continue;
    ++roll.devices;
    const int64_t age_ms = now_ms - device.last_seen_ms.value_or(device.enrolled_ms);
    if (device.last_seen_ms && age_ms <= kMsPerDay) ++roll.reporting;
    if (age_ms > 7 * kMsPerDay) ++roll.silent;
  }
  return roll;
}

// The last seven days that have scores against the seven before. Days of very different coverage,
// or of different models, do not compare.
struct Week {
  Mean score;
  Mean coverage;
  std::set<const Model*> models;
};
struct WeekChange {
  Cell change;
  Cell comparison;  // "ok" or "not comparable", nothing without two weeks
};
WeekChange ChangeOf(const std::vector<FrameDay>& days) {
  int64_t last = 0;
  for (const FrameDay& day : days) last = std::max(last, day.day);
  Week weeks[2];
  for (const FrameDay& day : days) {
    const int64_t ago = (last - day.day) / kTrendDays;
    if (ago > 1 || !day.score) continue;
    weeks[ago].score.Add(*day.score);
    weeks[ago].coverage.Add(day.coverage);
    weeks[ago].models.insert(day.model);
  }
  const auto now = weeks[0].score.value();
  const auto before = weeks[1].score.value();
  if (!now || !before) return {};
  if (!CoverageComparable(*weeks[0].coverage.value(), *weeks[1].coverage.value()) ||
      weeks[0].models.size() != 1 || weeks[0].models != weeks[1].models) {
    return {std::monostate{}, std::string(kNotComparable)};
  }
  return {*now - *before, std::string("ok")};
}

double WeakPct(const DomainFrame& domains) {
  size_t weak = 0;
  for (const auto& [device, means] : domains.means) weak += HasWeakDomain(means) ? 1 : 0;
  return 100.0 * static_cast<double>(weak) / static_cast<double>(domains.means.size());
}

void AddNotes(const ViewContext& context, const ViewRequest& request,
              const std::optional<ScoreInterval>& interval, const std::vector<ModelUse>& models,
              const WeekChange& change, Table& table) {
  table.notes.push_back(
      Concat(FormatPeriod(request.period, context.now_ms), "; a weak domain has a mean below 60"));
  if (interval) {
    table.notes.push_back(Concat("95 % interval of the score: ", FormatFixed(interval->low, 1),
                                 " to ", FormatFixed(interval->high, 1)));
  }
  if (TextIn(change.comparison) == kNotComparable) {
    table.notes.push_back(Concat("change in 7 days: ", kNotComparable,
                                 ", coverage differs by more than 0.10 or the model changed"));
  }
  if (auto note = BreakNote(models)) table.notes.push_back(*std::move(note));
  if (models.empty()) table.notes.emplace_back("no device has a day with a score yet");
}

absl::StatusOr<Table> BuildFleet(ViewContext& context, const ViewRequest& request,
                                 const std::vector<FrameDay>& days, const DomainFrame& domains) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  const Roll roll = CallRoll(devices, request, context.now_ms);
  Mean score;
  Mean coverage;
  Mean lost_min;
  std::vector<BootstrapUnit> units;
  const std::vector<DeviceScore> scores = SumByDevice(days);
  const auto losing = static_cast<size_t>(
      std::count_if(scores.begin(), scores.end(),
                    [](const DeviceScore& device) { return device.lost_min.sum() > 0; }));
  for (const DeviceScore& device : scores) {
    score.Merge(device.score);
    coverage.Merge(device.coverage);
    lost_min.Merge(MustRound(request, losing) ? device.shown_lost_min : device.lost_min);
    if (device.score.value()) units.push_back({device.score.sum(), device.score.count()});
  }
  const std::vector<ModelUse> models = ModelsUsed(days);
  const Model* latest = models.empty() ? nullptr : models.back().model;
  Trend trend = DailyMeans(days, request.period, latest);
  const std::optional<ScoreInterval> interval = BootstrapInterval(units);
  const WeekChange change = ChangeOf(days);
  Table table = FleetTable();
  const auto mean = score.value();
  Row row = {ToCell(mean),
             mean && latest ? Cell(std::string(GradeOf(*latest, *mean))) : Cell(),
             interval ? Cell(interval->low) : Cell(),
             interval ? Cell(interval->high) : Cell(),
             std::move(trend.series),
             change.change,
             change.comparison,
             domains.means.empty() ? Cell() : Cell(WeakPct(domains)),
             ToCell(lost_min.value()),
             roll.devices,
             roll.reporting,
             roll.silent,
             static_cast<int64_t>(units.size()),
             static_cast<int64_t>(days.size()),
             ToCell(coverage.value()),
             models.empty() ? Cell() : Cell(ModelNames(models))};
  if (!trend.before.empty()) {
    table.columns.push_back(SeriesColumn("trend_before", "trend before"));
    row.emplace_back(std::move(trend.before));
  }
  table.rows.push_back(std::move(row));
  AddNotes(context, request, interval, models, change, table);
  return table;
}

// Minutes of each cause, exact and as they may be shown of a few.
struct CauseMinutes {
  LostMinutes minutes;
  std::set<int64_t> devices;
};

absl::StatusOr<std::map<std::string, CauseMinutes, std::less<>>> LoadCauses(
    ViewContext& context, const ViewRequest& request) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT t.device, t.cause, t.minutes FROM score s JOIN time_lost t "
                         "ON t.device = s.device AND t.day = s.day "
                         "WHERE s.day BETWEEN ? AND ? AND s.provisional = 0 AND t.minutes > 0"));
  select.BindAll(request.period.from_day, request.period.to_day);
  std::map<std::string, CauseMinutes, std::less<>> causes;
  for (uint64_t rows = 1;; ++rows) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return causes;
    if (rows % kProgressRows == 0) {
      CANDOR_RETURN_IF_ERROR(context.progress("reading time lost", rows, 0));
    }
    const int64_t device = select.Int(0);
    if (request.only_devices && !request.only_devices->contains(device)) continue;
    auto at = causes.find(select.Text(1));
    if (at == causes.end()) at = causes.try_emplace(std::string(select.Text(1))).first;
    at->second.minutes.exact += select.Real(2);
    at->second.minutes.shown += ShownMinutes(select.Text(1), select.Real(2));
    at->second.devices.insert(device);
  }
}

absl::StatusOr<Table> BuildTimeLost(ViewContext& context, const ViewRequest& request,
                                    const std::vector<FrameDay>& days) {
  Table table;
  table.name = "time_lost";
  table.title = "What costs most time";
  table.columns = {TextColumn("cause", "cause").Key(), NumberColumn("lost_min", "minutes", 0),
                   NumberColumn("lost_min_per_day", "min/device-day", 2),
                   NumberColumn("share_pct", "share %"), IntegerColumn("devices", "devices")};
  CANDOR_ASSIGN_OR_RETURN(const auto causes, LoadCauses(context, request));
  const bool rounded =
      MustRound(request, days.empty() || days.front().device == days.back().device ? 1 : 2);
  if (rounded) table.notes.emplace_back(kRoundedNote);
  double total = 0;
  for (const auto& [cause, lost] : causes) {
    // Of a cause that only one device has, the fleet's minutes are its own.
    const double minutes =
        rounded || lost.devices.size() == 1 ? lost.minutes.shown : lost.minutes.exact;
    total += minutes;
    table.rows.push_back({cause, minutes,
                          minutes / static_cast<double>(std::max<size_t>(days.size(), 1)),
                          std::monostate{}, static_cast<int64_t>(lost.devices.size())});
  }
  for (Row& row : table.rows) row[3] = total > 0 ? Cell(100 * *NumberIn(row[1]) / total) : Cell();
  RankRows({"-lost_min"}, table);
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
  CANDOR_ASSIGN_OR_RETURN(const std::vector<FrameDay> days, LoadFrameDays(context, request));
  CANDOR_ASSIGN_OR_RETURN(const DomainFrame domains, LoadDomains(context, request));
  std::vector<Table> tables;
  CANDOR_ASSIGN_OR_RETURN(tables.emplace_back(), BuildFleet(context, request, days, domains));
  CANDOR_ASSIGN_OR_RETURN(tables.emplace_back(), BuildTimeLost(context, request, days));
  tables.push_back(BuildDomains(domains));
  return tables;
}

}  // namespace candor
