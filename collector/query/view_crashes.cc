// `candor crashes`: which programs fall over, most time lost first; which machines fail as a whole;
// which services fail. Without --by a row is a program in one version; --by app joins versions, any
// other dimension groups devices.
//
// Time lost is the assumption of the day's model for each crash of a program that a package manager
// owns, and for each failure that the score counts: other programs (a developer's own test binary)
// and hung tasks are shown, and lose nothing. Minutes and rates are of the device-days that count;
// what happened on provisional ones is shown, and is in neither.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/fold/day_values.h"
#include "collector/query/facts_scan.h"
#include "collector/query/score_frame.h"
#include "collector/query/shape.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr double kSecondsPerMin = 60;

enum class Grouping { kProgramVersion, kProgram, kVersion, kDevices };

Grouping GroupingOf(const std::string& by) {
  if (by.empty()) return Grouping::kProgramVersion;
  if (by == "app" || by == "program") return Grouping::kProgram;
  if (by == "version") return Grouping::kVersion;
  return Grouping::kDevices;
}

Table CrashesTable(const std::string& by) {
  Table table;
  table.name = "crashes";
  table.title = by.empty() ? "Crashes" : "Crashes by " + by;
  switch (GroupingOf(by)) {
    case Grouping::kProgramVersion:
    case Grouping::kVersion:
      table.columns = {TextColumn("app", "program").Key(), TextColumn("version", "version").Key()};
      break;
    case Grouping::kProgram:
    case Grouping::kDevices:
      table.columns = {TextColumn(by, by).Key()};
      break;
  }
  const std::vector<Column> figures = {IntegerColumn("crashes", "crashes"),
                                       IntegerColumn("devices", "devices"),
                                       NumberColumn("crashes_per_day", "a device-day", 3).Rank(2),
                                       BooleanColumn("owned", "packaged").Rank(3),
                                       TextColumn("signals", "signals").Rank(4),
                                       IntegerColumn("stacks", "different stacks").Rank(4),
                                       IntegerColumn("system_failures", "system failures").Rank(1),
                                       NumberColumn("lost_min", "lost min", 0),
                                       NumberColumn("lost_min_per_day", "lost min/day", 3)};
  table.columns.insert(table.columns.end(), figures.begin(), figures.end());
  table.notes = {
      "programs that no package manager, flatpak or snap owns are called 'other' and "
      "lose no time",
      "minutes and rates are of days with enough active time"};
  return table;
}

struct CrashGroup {
  int64_t crashes = 0;
  int64_t crashes_on_counted_days = 0;
  bool owned = false;
  int64_t system_failures = 0;
  double lost_s = 0;
  std::set<int64_t> devices;
  std::set<uint32_t> signals;
  std::set<std::string> stacks;
};

// The device-days that count, and the model of each.
class CountedDays {
 public:
  explicit CountedDays(std::vector<FrameDay> days) : days_(std::move(days)) {}

  // Null where the day does not count.
  const FrameDay* Find(int64_t device, int64_t day) const {
    const auto at = std::partition_point(days_.begin(), days_.end(), [&](const FrameDay& d) {
      return std::pair(d.device, d.day) < std::pair(device, day);
    });
    return at != days_.end() && at->device == device && at->day == day ? &*at : nullptr;
  }
  const std::vector<FrameDay>& all() const { return days_; }

 private:
  std::vector<FrameDay> days_;  // by device and day
};

std::string JoinSignals(const std::set<uint32_t>& signals) {
  std::string text;
  for (const uint32_t signal : signals) {
    if (!text.empty()) text += ' ';
    text += std::to_string(signal);
  }
  return text;
}

// "UNCLEAN_SHUTDOWN" as people say it.
std::string KindInWords(const std::string& kind) {
  std::string words = ToLower(kind);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

// Names of a group: one or two key columns.
using Names = std::vector<std::string>;

class Collect {
 public:
  Collect(Grouping grouping, std::unordered_map<int64_t, std::string> group_of, CountedDays counted)
      : grouping_(grouping), group_of_(std::move(group_of)), counted_(std::move(counted)) {}

  void Add(const EventRow& row, const v1::Event& event) {
    if (event.has_crash()) AddCrash(row, event.crash());
    if (event.has_system_failure()) AddFailure(row, event.system_failure());
    if (event.has_unit_failure()) {
      Count& count = units[{event.unit_failure().unit(), event.unit_failure().result()}];
      count.times += 1 + int64_t{event.unit_failure().repeats()};
      count.devices.insert(row.device);
    }
  }

  // Device-days of each group of devices; of "all" where rows are programs.
  std::map<std::string, double> DeviceDays() const {
    std::map<std::string, double> days;
    for (const FrameDay& day : counted_.all()) days[DeviceGroup(day.device)] += 1;
    return days;
  }

  struct Count {
    int64_t times = 0;
    std::set<int64_t> devices;
  };
  std::map<Names, CrashGroup> groups;
  std::map<std::pair<std::string, std::string>, Count> failures;
  std::map<std::pair<std::string, std::string>, Count> units;

 private:
  void AddCrash(const EventRow& row, const v1::Crash& crash) {
    CrashGroup& group = groups[NamesOf(row.device, crash)];
    const int64_t times = 1 + int64_t{crash.repeats()};
    group.crashes += times;
    group.owned |= crash.owned();
    if (const FrameDay* day = counted_.Find(row.device, row.day)) {
      group.crashes_on_counted_days += times;
      if (crash.owned() && day->model != nullptr) {
        group.lost_s += static_cast<double>(times) * day->model->time_lost.app_crash_s;
      }
    }
    group.devices.insert(row.device);
    if (crash.signal() != 0) group.signals.insert(crash.signal());
    if (!crash.stack_signature().empty()) group.stacks.insert(crash.stack_signature());
  }

  void AddFailure(const EventRow& row, const v1::SystemFailure& failure) {
    if (grouping_ == Grouping::kDevices && CountsAsSystemFailure(failure)) {
      CrashGroup& group = groups[{DeviceGroup(row.device)}];
      ++group.system_failures;
      group.devices.insert(row.device);
      const FrameDay* day = counted_.Find(row.device, row.day);
      if (day != nullptr && day->model != nullptr) {
        group.lost_s += day->model->time_lost.system_failure_s;
      }
    }
    Count& count =
        failures[{KindInWords(v1::SystemFailure::Kind_Name(failure.kind())), failure.detail()}];
    ++count.times;
    count.devices.insert(row.device);
  }

  Names NamesOf(int64_t device, const v1::Crash& crash) const {
    switch (grouping_) {
      case Grouping::kProgramVersion:
      case Grouping::kVersion:
        return {crash.program(), crash.version()};
      case Grouping::kProgram:
        return {crash.program()};
      case Grouping::kDevices:
        break;
    }
    return {DeviceGroup(device)};
  }

  std::string DeviceGroup(int64_t device) const {
    const auto at = group_of_.find(device);
    return at == group_of_.end() ? "unknown" : at->second;
  }

  Grouping grouping_;
  std::unordered_map<int64_t, std::string> group_of_;
  CountedDays counted_;
};

Row RowOf(const Names& names, const CrashGroup& group, Grouping grouping, double device_days) {
  const double lost_min = group.lost_s / kSecondsPerMin;
  const auto per_day = [&](double amount) {
    return device_days > 0 ? Cell(amount / device_days) : Cell();
  };
  Row row(names.begin(), names.end());
  row.push_back(group.crashes);
  row.push_back(static_cast<int64_t>(group.devices.size()));
  row.push_back(per_day(static_cast<double>(group.crashes_on_counted_days)));
  row.push_back(group.crashes == 0 ? Cell() : Cell(group.owned));
  row.push_back(JoinSignals(group.signals));
  row.push_back(static_cast<int64_t>(group.stacks.size()));
  row.push_back(grouping == Grouping::kDevices ? Cell(group.system_failures) : Cell());
  row.push_back(lost_min);
  row.push_back(per_day(lost_min));
  return row;
}

Table CountTable(const std::string& name, const std::string& title, const Column& first,
                 const Column& second,
                 const std::map<std::pair<std::string, std::string>, Collect::Count>& counts) {
  Table table;
  table.name = name;
  table.title = title;
  table.columns = {first, second, IntegerColumn("times", "times"),
                   IntegerColumn("devices", "devices")};
  for (const auto& [what, count] : counts) {
    table.rows.push_back(
        {what.first, what.second, count.times, static_cast<int64_t>(count.devices.size())});
  }
  RankRows({"-times"}, table);
  return table;
}

}  // namespace

Answer AnswerCrashes(ViewContext& context, const ViewRequest& request) {
  Table table = CrashesTable(request.by);
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  const Grouping grouping = GroupingOf(request.by);
  CANDOR_ASSIGN_OR_RETURN(
      const Dimension dimension,
      Dimension::Resolve(context.db, grouping == Grouping::kDevices ? request.by : "all",
                         {"app", "version"}));
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  std::unordered_map<int64_t, std::string> group_of;
  for (const DeviceInfo& device : devices) group_of.emplace(device.no, dimension.ValueOf(device));
  CANDOR_ASSIGN_OR_RETURN(std::vector<FrameDay> days, LoadFrameDays(context, request));
  Collect collect(grouping, std::move(group_of), CountedDays(std::move(days)));
  CANDOR_RETURN_IF_ERROR(
      ForEachEvent(context, request, {event::kCrash, event::kSystemFailure, event::kUnitFailure},
                   [&](const EventRow& row, const v1::Event& event) { collect.Add(row, event); }));

  const std::map<std::string, double> device_days = collect.DeviceDays();
  for (const auto& [names, group] : collect.groups) {
    const auto at = device_days.find(grouping == Grouping::kDevices ? names[0] : "all");
    table.rows.push_back(RowOf(names, group, grouping, at == device_days.end() ? 0 : at->second));
  }
  RankRows({"-lost_min_per_day", "-lost_min", "-crashes"}, table);
  std::vector<Table> tables = {std::move(table)};
  tables.push_back(CountTable("system_failures", "Failures of the whole machine",
                              TextColumn("kind", "kind").Key(),
                              TextColumn("detail", "detail").Key(), collect.failures));
  tables.push_back(CountTable("unit_failures", "Services that failed",
                              TextColumn("unit", "unit").Key(),
                              TextColumn("result", "result").Key(), collect.units));
  return tables;
}

}  // namespace candor
