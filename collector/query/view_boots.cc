// `candor boots`: how long people wait for their laptops, by group, most time lost first; and which
// units are slow. Durations only, never times of day. Boots that installed updates are counted, but
// left out of the durations, as in the score.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/facts_scan.h"
#include "collector/query/quantile.h"
#include "collector/query/shape.h"
#include "collector/query/view.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

Table BootsTable(const std::string& by) {
  Table table;
  table.name = "boots";
  table.title = "Boots by " + by;
  table.columns = {TextColumn(by, by).Key(),
                   NumberColumn("boot_s", "boot s (median)"),
                   NumberColumn("boot_s_p90", "p90"),
                   NumberColumn("boot_s_max", "max").Rank(2),
                   IntegerColumn("boots", "boots"),
                   IntegerColumn("devices", "devices").Rank(1),
                   IntegerColumn("with_updates", "with updates").Rank(4),
                   IntegerColumn("unclean", "after unclean shutdown").Rank(4),
                   NumberColumn("firmware_s", "firmware s").Rank(3),
                   NumberColumn("loader_s", "loader s").Rank(5),
                   NumberColumn("kernel_s", "kernel s").Rank(3),
                   NumberColumn("initrd_s", "initrd s").Rank(3),
                   NumberColumn("userspace_s", "userspace s").Rank(3),
                   NumberColumn("passphrase_s", "passphrase s").Rank(5),
                   NumberColumn("lost_min_per_day", "lost min/day", 2)};
  table.notes = {
      "boot: kernel start to login screen or default target, less the wait for a disk passphrase; "
      "stages are medians"};
  return table;
}

struct BootGroup {
  std::vector<double> total;
  std::vector<double> firmware, loader, kernel, initrd, userspace, passphrase;
  std::set<int64_t> devices;
  int64_t boots = 0;
  int64_t with_updates = 0;
  int64_t unclean = 0;

  void Add(int64_t device, const v1::Boot& boot) {
    ++boots;
    devices.insert(device);
    unclean += boot.has_last_shutdown_clean() && !boot.last_shutdown_clean() ? 1 : 0;
    if (boot.installed_updates()) {
      ++with_updates;
      return;
    }
    const auto add = [](bool has, uint64_t us, std::vector<double>& into) {
      if (has) into.push_back(static_cast<double>(us) / kUsPerSecond);
    };
    const uint64_t wait_us = boot.passphrase_us();
    add(boot.has_total_us(), boot.total_us() - std::min(wait_us, boot.total_us()), total);
    add(boot.has_firmware_us(), boot.firmware_us(), firmware);
    add(boot.has_loader_us(), boot.loader_us(), loader);
    add(boot.has_kernel_us(), boot.kernel_us(), kernel);
    add(boot.has_initrd_us(), boot.initrd_us(), initrd);
    add(boot.has_userspace_us(), boot.userspace_us(), userspace);
    add(boot.has_passphrase_us(), wait_us, passphrase);
  }
};

struct SlowUnit {
  std::vector<double> activating_s;
  std::set<int64_t> devices;
};

Table SlowUnitsTable(const std::map<std::string, SlowUnit>& units) {
  Table table;
  table.name = "slow_units";
  table.title = "Slowest units";
  table.columns = {TextColumn("unit", "unit").Key(), NumberColumn("activating_s", "median s"),
                   NumberColumn("activating_s_max", "max s"), IntegerColumn("boots", "boots"),
                   IntegerColumn("devices", "devices")};
  for (const auto& [name, unit] : units) {
    table.rows.push_back({name, ToCell(Median(unit.activating_s)),
                          ToCell(NearestRank(unit.activating_s, 1)),
                          static_cast<int64_t>(unit.activating_s.size()),
                          static_cast<int64_t>(unit.devices.size())});
  }
  // What costs the fleet most: how long, times how often.
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const Row& a, const Row& b) {
    return *NumberIn(b[1]) * *NumberIn(b[3]) < *NumberIn(a[1]) * *NumberIn(a[3]);
  });
  constexpr size_t kShown = 10;
  if (table.rows.size() > kShown) table.rows.resize(kShown);
  return table;
}

}  // namespace

Answer AnswerBoots(ViewContext& context, const ViewRequest& request) {
  const std::string by = request.by.empty() ? "model" : request.by;
  Table table = BootsTable(by);
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  absl::StatusOr<Dimension> dimension = Dimension::Resolve(context.db, by);
  if (!dimension.ok() && request.by.empty()) dimension = Dimension::Resolve(context.db, "all");
  if (!dimension.ok()) return dimension.status();
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  std::unordered_map<int64_t, std::string> group_of;
  for (const DeviceInfo& device : devices) group_of.emplace(device.no, dimension->ValueOf(device));

  std::map<std::string, BootGroup> groups;
  std::map<std::string, SlowUnit> units;
  CANDOR_RETURN_IF_ERROR(ForEachEvent(
      context, request, {event::kBoot}, [&](const EventRow& row, const v1::Event& event) {
        const auto at = group_of.find(row.device);
        if (at == group_of.end()) return;
        groups[at->second].Add(row.device, event.boot_done());
        for (const v1::Boot::SlowUnit& unit : event.boot_done().slowest()) {
          units[unit.unit()].activating_s.push_back(static_cast<double>(unit.activating_us()) /
                                                    kUsPerSecond);
          units[unit.unit()].devices.insert(row.device);
        }
      }));
  CANDOR_ASSIGN_OR_RETURN(const auto lost, LostByGroup(context, request, *dimension, {"boot"}));
  for (const auto& [name, group] : groups) {
    const auto at = lost.find(name);
    table.rows.push_back({name, ToCell(Median(group.total)), ToCell(NearestRank(group.total, 0.9)),
                          ToCell(NearestRank(group.total, 1)), group.boots,
                          static_cast<int64_t>(group.devices.size()), group.with_updates,
                          group.unclean, ToCell(Median(group.firmware)),
                          ToCell(Median(group.loader)), ToCell(Median(group.kernel)),
                          ToCell(Median(group.initrd)), ToCell(Median(group.userspace)),
                          ToCell(Median(group.passphrase)),
                          at == lost.end() ? Cell() : ToCell(at->second.per_day())});
  }
  RankRows({"-lost_min_per_day", "-boot_s"}, table);
  std::vector<Table> tables = {std::move(table)};
  tables.push_back(SlowUnitsTable(units));
  return tables;
}

}  // namespace candor
