// `candor inventory`: what is out there, how old, who stopped reporting, what is not measured and
// why. --by takes any dimension; --by package lists packages with their versions.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/dimension.h"
#include "collector/query/shape.h"
#include "collector/query/software.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "common/inventory_keys.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr int64_t kSilentAfterMs = 7 * kMsPerDay;

Table InventoryTable(const std::string& by) {
  Table table;
  table.name = "inventory";
  table.title = "Inventory by " + by;
  table.columns = {TextColumn(by, by).Key()};
  if (by == "package") table.columns.push_back(TextColumn("version", "version").Key());
  const std::vector<Column> figures = {
      IntegerColumn("devices", "devices"), NumberColumn("share_pct", "share %"),
      IntegerColumn("reporting", "seen in the last day"),
      IntegerColumn("silent", "silent for a week"), TimeColumn("last_seen", "last seen").Rank(2)};
  table.columns.insert(table.columns.end(), figures.begin(), figures.end());
  return table;
}

struct Count {
  int64_t devices = 0;
  int64_t reporting = 0;
  int64_t silent = 0;
  std::optional<int64_t> last_seen_ms;

  void Add(const DeviceInfo& device, int64_t now_ms) {
    ++devices;
    const int64_t age_ms = now_ms - device.last_seen_ms.value_or(device.enrolled_ms);
    reporting += device.last_seen_ms && age_ms <= kMsPerDay ? 1 : 0;
    silent += age_ms > kSilentAfterMs ? 1 : 0;
    if (device.last_seen_ms)
      last_seen_ms = std::max(last_seen_ms.value_or(0), *device.last_seen_ms);
  }
};

using Counts = std::map<std::vector<std::string>, Count>;

absl::StatusOr<Counts> CountPackages(ViewContext& context, const ViewRequest& request,
                                     const std::vector<DeviceInfo>& devices) {
  CANDOR_ASSIGN_OR_RETURN(const auto keys, PropertyKeys(context.db));
  Counts counts;
  for (const std::string& key : keys) {
    if (!key.starts_with(inventory::kPackagePrefix)) continue;
    // Package managers know better.
    CANDOR_ASSIGN_OR_RETURN(const bool installed, HasPackage(context.db, key));
    if (installed) continue;
    CANDOR_ASSIGN_OR_RETURN(const ValueByDevice versions, LoadProperty(context.db, key));
    for (const DeviceInfo& device : devices) {
      const auto at = versions.find(device.no);
      if (at == versions.end()) continue;
      counts[{key.substr(inventory::kPackagePrefix.size()), at->second}].Add(device,
                                                                             context.now_ms);
    }
  }
  std::unordered_map<int64_t, const DeviceInfo*> by_number;
  for (const DeviceInfo& device : devices) by_number.emplace(device.no, &device);
  CANDOR_ASSIGN_OR_RETURN(const SoftwarePattern all, SoftwarePattern::Parse(""));
  CANDOR_RETURN_IF_ERROR(
      ForEachInstalled(context, request, all, [&](const InstalledVersion& installed) {
        Count& count = counts[{std::string(installed.name), std::string(installed.version)}];
        for (const int64_t device : installed.devices) {
          count.Add(*by_number.at(device), context.now_ms);
        }
      }));
  return counts;
}

absl::StatusOr<Counts> CountValues(ViewContext& context, const std::vector<DeviceInfo>& devices,
                                   const std::string& by) {
  CANDOR_ASSIGN_OR_RETURN(const Dimension dimension,
                          Dimension::Resolve(context.db, by, {"package"}));
  Counts counts;
  for (const DeviceInfo& device : devices) {
    counts[{dimension.ValueOf(device)}].Add(device, context.now_ms);
  }
  return counts;
}

// What is not measured anywhere: how many devices, and the reason they give.
absl::StatusOr<Table> UnmeasuredTable(ViewContext& context, const std::set<int64_t>& wanted) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          context.db.Prepare("SELECT device, items FROM unmeasured"));
  std::map<std::pair<std::string, std::string>, std::set<int64_t>> reasons;
  v1::Unmeasured unmeasured;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) break;
    const std::string_view bytes = select.BlobAt(1);
    if (!wanted.contains(select.Int(0)) ||
        !unmeasured.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      continue;
    }
    for (const v1::Unmeasured::Item& item : unmeasured.items()) {
      const MetricEntry* metric = FindMetric(item.metric());
      const EventEntry* event = FindEvent(item.event());
      const std::string name = metric != nullptr  ? std::string(metric->name)
                               : event != nullptr ? std::string(event->name)
                                                  : Concat("number ", item.metric());
      reasons[{name, item.reason()}].insert(select.Int(0));
    }
  }
  Table table;
  table.name = "unmeasured";
  table.title = "Not measured, and why";
  table.columns = {TextColumn("metric", "metric").Key(), TextColumn("reason", "reason").Key(),
                   IntegerColumn("devices", "devices")};
  for (const auto& [what, devices] : reasons) {
    table.rows.push_back({what.first, what.second, static_cast<int64_t>(devices.size())});
  }
  RankRows({"-devices"}, table);
  return table;
}

Table SilentTable(const std::vector<DeviceInfo>& devices, int64_t now_ms) {
  Table table;
  table.name = "silent";
  table.title = "Stopped reporting";
  table.columns = {TextColumn("host", "host").Key(), TextColumn("device", "device").Hidden(),
                   TimeColumn("last_seen", "last seen"), TextColumn("agent", "agent")};
  for (const DeviceInfo& device : devices) {
    if (now_ms - device.last_seen_ms.value_or(device.enrolled_ms) <= kSilentAfterMs) continue;
    table.rows.push_back(
        {device.host, device.id, ToCell(device.last_seen_ms), device.agent_version});
  }
  RankRows({"last_seen"}, table);
  return table;
}

}  // namespace

Answer AnswerInventory(ViewContext& context, const ViewRequest& request) {
  const std::string by = request.by.empty() ? "os" : request.by;
  Table table = InventoryTable(by);
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  CANDOR_ASSIGN_OR_RETURN(std::vector<DeviceInfo> devices, LoadDevices(context.db));
  std::erase_if(devices, [&](const DeviceInfo& device) {
    return device.revoked || (request.only_devices && !request.only_devices->contains(device.no));
  });
  absl::StatusOr<Counts> counts = by == "package" ? CountPackages(context, request, devices)
                                                  : CountValues(context, devices, by);
  if (!counts.ok() && request.by.empty()) counts = CountValues(context, devices, "agent");
  if (!counts.ok()) return counts.status();
  std::set<int64_t> numbers;
  for (const DeviceInfo& device : devices) numbers.insert(device.no);
  for (const auto& [names, count] : *counts) {
    Row row(names.begin(), names.end());
    row.push_back(count.devices);
    row.push_back(100.0 * static_cast<double>(count.devices) /
                  static_cast<double>(std::max<size_t>(devices.size(), 1)));
    row.push_back(count.reporting);
    row.push_back(count.silent);
    row.push_back(ToCell(count.last_seen_ms));
    table.rows.push_back(std::move(row));
  }
  RankRows({"-devices"}, table);
  std::vector<Table> tables = {std::move(table)};
  tables.push_back(SilentTable(devices, context.now_ms));
  CANDOR_ASSIGN_OR_RETURN(tables.emplace_back(), UnmeasuredTable(context, numbers));
  return tables;
}

}  // namespace candor
