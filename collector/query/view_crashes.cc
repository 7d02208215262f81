// `candor crashes`: which programs fall over, most time lost first; which machines fail as a whole;
// which services fail. Without --by a row is a program in one version; --by app joins versions, any
// other dimension groups devices.
//
// Time lost is the model's assumption for each crash of a program that a package manager owns:
// other programs (a developer's own test binary) are shown, and lose nothing.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/facts_scan.h"
#include "collector/query/score_frame.h"
#include "collector/query/shape.h"
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
      "lose no time"};
  return table;
}

struct CrashGroup {
  int64_t crashes = 0;
  int64_t owned_crashes = 0;
  int64_t system_failures = 0;
  std::set<int64_t> devices;
  std::set<uint32_t> signals;
  std::set<std::string> stacks;
};

std::string JoinSignals(const std::set<uint32_t>& signals) {
  std::string text;
  for (const uint32_t signal : signals) {
    if (!text.empty()) text += ' ';
    text += std::to_string(signal);
  }
  return text;
}

// Names of a group: one or two key columns.
using Names = std::vector<std::string>;

class Collect {
 public:
  Collect(Grouping grouping, std::unordered_map<int64_t, std::string> group_of)
      : grouping_(grouping), group_of_(std::move(group_of)) {}

  void Add(const EventRow& row, const v1::Event& event) {
    if (event.has_crash()) AddCrash(row, event.crash());
    if (event.has_system_failure()) AddFailure(row, event.system_failure());
    if (event.has_unit_failure()) {
      Count& count = units[{event.unit_failure().unit(), event.unit_failure().result()}];
      count.times += 1 + event.unit_failure().repeats();
      count.devices.insert(row.device);
    }
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
    if (crash.owned()) group.owned_crashes += times;
    group.devices.insert(row.device);
    if (crash.signal() != 0) group.signals.insert(crash.signal());
    if (!crash.stack_signature().empty()) group.stacks.insert(crash.stack_signature());
  }

  void AddFailure(const EventRow& row, const v1::SystemFailure& failure) {
    if (grouping_ == Grouping::kDevices) {
      CrashGroup& group = groups[{DeviceGroup(row.device)}];
      ++group.system_failures;
      group.devices.insert(row.device);
    }
    Count& count = failures[{v1::SystemFailure::Kind_Name(failure.kind()), failure.detail()}];
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
};

std::string KindInWords(std::string kind) {
  for (char& c : kind) c = c == '_' ? ' ' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return kind;
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
    table.rows.push_back({KindInWords(what.first), what.second, count.times,
                          static_cast<int64_t>(count.devices.size())});
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
  Collect collect(grouping, std::move(group_of));
  CANDOR_RETURN_IF_ERROR(
      ForEachEvent(context, request, {event::kCrash, event::kSystemFailure, event::kUnitFailure},
                   [&](const EventRow& row, const v1::Event& event) { collect.Add(row, event); }));

  CANDOR_ASSIGN_OR_RETURN(const auto model, context.models.Find(kDefaultModel));
  CANDOR_ASSIGN_OR_RETURN(const auto days, LostByGroup(context, request, dimension, {"crash"}));
  for (const auto& [names, group] : collect.groups) {
    const auto at = days.find(grouping == Grouping::kDevices ? names[0] : "all");
    const double device_days = at == days.end() ? 0 : at->second.device_days;
    const double lost_min =
        (static_cast<double>(group.owned_crashes) * model->time_lost.app_crash_s +
         static_cast<double>(group.system_failures) * model->time_lost.system_failure_s) /
        kSecondsPerMin;
    Row row(names.begin(), names.end());
    row.push_back(group.crashes);
    row.push_back(static_cast<int64_t>(group.devices.size()));
    row.push_back(device_days > 0 ? Cell(static_cast<double>(group.crashes) / device_days)
                                  : Cell());
    row.push_back(group.crashes == 0 ? Cell() : Cell(group.owned_crashes > 0));
    row.push_back(JoinSignals(group.signals));
    row.push_back(static_cast<int64_t>(group.stacks.size()));
    row.push_back(grouping == Grouping::kDevices ? Cell(group.system_failures) : Cell());
    row.push_back(lost_min);
    row.push_back(device_days > 0 ? Cell(lost_min / device_days) : Cell());
    table.rows.push_back(std::move(row));
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
