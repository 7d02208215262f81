// `candor software [NAME]`: what is installed where. Of the fleet: names and versions with the
// number of devices that have them, by group where one is asked for, and what changed in the
// period. Of one device (--device): what changed there, day by day, and what it has.
//
// Changes have a day and no time: when somebody installs something, somebody works.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "collector/query/dimension.h"
#include "collector/query/facts_scan.h"
#include "collector/query/reasons.h"
#include "collector/query/shape.h"
#include "collector/query/software.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

Column Version(std::string name, std::string label) {
  return TextColumn(std::move(name), std::move(label)).Style(ColumnStyle::kPackageVersion);
}

Table FleetTable(const std::string& by) {
  Table table;
  table.name = "software";
  table.title = by.empty() ? "Installed software" : "Installed software by " + by;
  if (!by.empty()) table.columns.push_back(TextColumn(by, by).Key());
  const std::vector<Column> rest = {
      TextColumn("name", "name").Key(), Version("version", "version").Key(),
      TextColumn("manager", "manager").Key().Rank(1), IntegerColumn("devices", "devices"),
      NumberColumn("share_pct", "share %").Rank(2)};
  table.columns.insert(table.columns.end(), rest.begin(), rest.end());
  return table;
}

Table ChangesTable() {
  Table table;
  table.name = "changes";
  table.title = "What changed";
  table.columns = {
      TextColumn("name", "name").Key(),    Version("before", "before").Key(),
      Version("after", "after").Key(),     TextColumn("manager", "manager").Key().Rank(1),
      IntegerColumn("devices", "devices"), DayColumn("first_day", "first day").Rank(2),
      DayColumn("last_day", "last day")};
  return table;
}

Table DeviceChangesTable() {
  Table table;
  table.name = "software";
  table.title = "What changed";
  table.columns = {DayColumn("day", "day"), TextColumn("name", "name").Key(),
                   Version("before", "before"), Version("after", "after"),
                   TextColumn("manager", "manager").Rank(1)};
  return table;
}

Table InstalledTable() {
  Table table;
  table.name = "installed";
  table.title = "Installed";
  table.columns = {TextColumn("name", "name").Key(), Version("version", "version"),
                   TextColumn("manager", "manager").Key().Rank(1)};
  return table;
}

Cell TextOrEmpty(const std::string& text) { return text.empty() ? Cell() : Cell(text); }

// Names of one group's software, by group, name, version, manager.
using InstalledKey = std::tuple<std::string, std::string, std::string, std::string>;

absl::StatusOr<Table> InstalledByVersion(ViewContext& context, const ViewRequest& request,
                                         const SoftwarePattern& pattern) {
  CANDOR_ASSIGN_OR_RETURN(const Dimension dimension,
                          Dimension::Resolve(context.db, request.by.empty() ? "all" : request.by));
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  std::unordered_map<int64_t, std::string> group_of;
  std::map<std::string, int64_t> sizes;
  for (const DeviceInfo& device : devices) {
    const bool chosen = !request.only_devices || request.only_devices->contains(device.no);
    if (device.revoked || !chosen) continue;
    std::string group = dimension.ValueOf(device);
    ++sizes[group];
    group_of.emplace(device.no, std::move(group));
  }
  std::map<InstalledKey, int64_t> counts;
  CANDOR_RETURN_IF_ERROR(
      ForEachInstalled(context, request, pattern, [&](const InstalledVersion& installed) {
        std::map<std::string_view, int64_t> of_groups;
        for (const int64_t device : installed.devices) ++of_groups[group_of.at(device)];
        for (const auto& [group, count] : of_groups) {
          counts[InstalledKey(group, installed.name, installed.version, installed.manager)] +=
              count;
        }
      }));
  Table table = FleetTable(request.by);
  for (const auto& [key, count] : counts) {
    const auto& [group, name, version, manager] = key;
    Row row;
    if (!request.by.empty()) row.emplace_back(group);
    row.insert(row.end(), {name, version, manager, count,
                           100.0 * static_cast<double>(count) /
                               static_cast<double>(std::max<int64_t>(sizes[group], 1))});
    table.rows.push_back(std::move(row));
  }
  if (request.text.empty()) {
    RankRows({"-devices", "name", "-version"}, table);
  } else {
    RankRows({"name", "-version"}, table);
  }
  return table;
}

// That a device is not listed says something only of those that tell.
absl::Status AddSilence(ViewContext& context, const ViewRequest& request, Table& table) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          context.db.Prepare("SELECT EXISTS (SELECT 1 FROM software s WHERE "
                                             "s.device = ?)"));
  int64_t asked = 0;
  int64_t silent = 0;
  for (const DeviceInfo& device : devices) {
    const bool chosen = !request.only_devices || request.only_devices->contains(device.no);
    if (device.revoked || !chosen) continue;
    ++asked;
    select.BindAll(device.no);
    CANDOR_ASSIGN_OR_RETURN(const bool row, select.Step());
    silent += row && select.Int(0) == 0 ? 1 : 0;
  }
  if (silent > 0) {
    table.notes.push_back(Concat(silent, " of ", asked,
                                 " devices tell nothing of their software: 'candor inventory' "
                                 "says why"));
  }
  return absl::OkStatus();
}

struct FleetChange {
  std::set<int64_t> devices;
  int64_t first_day = 0;
  int64_t last_day = 0;
};

absl::StatusOr<Table> FleetChanges(ViewContext& context, const ViewRequest& request,
                                   const SoftwarePattern& pattern) {
  std::map<InstalledKey, FleetChange> changes;
  CANDOR_RETURN_IF_ERROR(ForEachEvent(
      context, request, {event::kSoftwareChange}, [&](const EventRow& row, const v1::Event& event) {
        const v1::SoftwareChange& software = event.software_change();
        for (const v1::SoftwareChange::Change& change : software.changes()) {
          if (!pattern.Matches(change.name())) continue;
          const auto [at, added] = changes.try_emplace(
              InstalledKey(change.name(), change.before(), change.after(), software.manager()));
          FleetChange& told = at->second;
          told.devices.insert(row.device);
          told.first_day = added ? row.day : std::min(told.first_day, row.day);
          told.last_day = added ? row.day : std::max(told.last_day, row.day);
        }
      }));
  Table table = ChangesTable();
  for (const auto& [key, change] : changes) {
    const auto& [name, before, after, manager] = key;
    table.rows.push_back({name, TextOrEmpty(before), TextOrEmpty(after), manager,
                          static_cast<int64_t>(change.devices.size()), change.first_day,
                          change.last_day});
  }
  RankRows({"-last_day", "-devices", "name"}, table);
  return table;
}

Answer AnswerOfDevice(ViewContext& context, const ViewRequest& request,
                      const SoftwarePattern& pattern) {
  Table changes = DeviceChangesTable();
  changes.title = Concat("What changed on ", request.device->host);
  CANDOR_RETURN_IF_ERROR(ForEachEvent(
      context, request, {event::kSoftwareChange}, [&](const EventRow& row, const v1::Event& event) {
        const v1::SoftwareChange& software = event.software_change();
        for (const v1::SoftwareChange::Change& change : software.changes()) {
          if (!pattern.Matches(change.name())) continue;
          changes.rows.push_back({row.day, change.name(), TextOrEmpty(change.before()),
                                  TextOrEmpty(change.after()), software.manager()});
        }
      }));
  Table installed = InstalledTable();
  installed.title = Concat("Installed on ", request.device->host);
  CANDOR_RETURN_IF_ERROR(
      ForEachInstalled(context, request, pattern, [&](const InstalledVersion& row) {
        installed.rows.push_back(
            {std::string(row.name), std::string(row.version), std::string(row.manager)});
      }));
  CANDOR_ASSIGN_OR_RETURN(const Reasons reasons, Reasons::Load(context.db, request.device->no));
  for (const Reasons::Item& item : reasons.items()) {
    if (item.metric != 0 || item.event != event::kSoftwareChange) continue;
    const std::string of = item.subject.empty() ? "software" : item.subject;
    installed.notes.push_back(Concat("not measured: ", of, ": ", item.reason));
  }
  if (changes.rows.empty()) changes.notes.emplace_back("nothing changed in this period");
  return std::vector<Table>{std::move(changes), std::move(installed)};
}

}  // namespace

Answer AnswerSoftware(ViewContext& context, const ViewRequest& request) {
  if (request.device && !request.by.empty()) {
    return absl::InvalidArgumentError("--by does not go with --device");
  }
  CANDOR_ASSIGN_OR_RETURN(const SoftwarePattern pattern, SoftwarePattern::Parse(request.text));
  if (request.columns_only) {
    return std::vector<Table>{request.device ? DeviceChangesTable() : FleetTable(request.by)};
  }
  if (request.device) return AnswerOfDevice(context, request, pattern);
  CANDOR_ASSIGN_OR_RETURN(Table table, InstalledByVersion(context, request, pattern));
  CANDOR_RETURN_IF_ERROR(AddSilence(context, request, table));
  CANDOR_ASSIGN_OR_RETURN(Table changes, FleetChanges(context, request, pattern));
  return std::vector<Table>{std::move(table), std::move(changes)};
}

}  // namespace candor
