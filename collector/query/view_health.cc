// `candor health`: the machines themselves, by group, most time lost first: waiting for disk,
// memory and processor, free disk, worn batteries, heat. The agent's own cost stands beside it.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "collector/query/coarse.h"
#include "collector/query/facts_scan.h"
#include "collector/query/score_frame.h"
#include "collector/query/shape.h"
#include "collector/query/view.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr double kSecondsPerDay = 86'400;

const std::set<uint32_t>& HealthMetrics() {
  static const std::set<uint32_t> metrics = {
      metric::kCpuStall,        metric::kMemoryStall,   metric::kIoStall,   metric::kUiReply,
      metric::kHangSeconds,     metric::kLaunch,        metric::kThrottled, metric::kWatched,
      metric::kMemoryAvailable, metric::kDiskRead,      metric::kDiskWrite, metric::kAgentCpu,
      metric::kAgentWakeups,    metric::kAgentBytesSent};
  return metrics;
}

Table HealthTable(const std::string& by) {
  Table table;
  table.name = "health";
  table.title = "Health by " + by;
  table.columns = {TextColumn(by, by).Key(),
                   NumberColumn("stall_pct", "stalled %"),
                   NumberColumn("io_stall_pct", "on disk %").Rank(1),
                   NumberColumn("memory_stall_pct", "on memory %").Rank(2),
                   NumberColumn("cpu_wait_pct", "CPU wait %").Rank(2),
                   NumberColumn("ui_reply_ms_p50", "window reply ms p50").Hidden(),
                   NumberColumn("ui_reply_ms_p75", "window reply ms p75").Rank(4),
                   NumberColumn("ui_reply_ms_p99", "p99").Rank(4),
                   NumberColumn("hang_pct", "hanging %", 2).Rank(4),
                   NumberColumn("launch_s_p75", "launch s p75").Rank(5),
                   NumberColumn("throttle_pct", "throttled %", 2).Rank(2),
                   NumberColumn("disk_free_gib", "free disk GiB (mean)").Rank(1),
                   NumberColumn("disk_free_gib_min", "least").Rank(3),
                   NumberColumn("battery_pct", "battery % (mean)").Rank(1),
                   NumberColumn("battery_pct_min", "least").Rank(3),
                   NumberColumn("memory_available_mib_p10", "free memory MiB p10", 0).Rank(5),
                   NumberColumn("disk_read_ms_p75", "disk read ms p75", 2).Rank(5),
                   NumberColumn("disk_write_ms_p75", "write", 2).Rank(5),
                   NumberColumn("agent_cpu_pct", "agent CPU %", 3).Rank(6),
                   NumberColumn("agent_wakeups_per_s", "agent wakeups/s", 2).Rank(6),
                   NumberColumn("agent_mib_sent_per_day", "agent MiB/day", 2).Rank(6),
                   IntegerColumn("devices", "devices").Rank(1),
                   NumberColumn("lost_min_per_day", "lost min/day", 2)};
  table.notes = {"lost: active time stalled on memory or disk, and waiting for hung windows",
                 std::string(kRoundedNote)};
  return table;
}

// Mean and least of a device's own mean of a scored metric.
struct Spread {
  Mean mean;
  std::optional<double> least;
  void Add(double value) {
    mean.Add(value);
    least = std::min(least.value_or(value), value);
  }
};

absl::StatusOr<std::map<std::string, Spread>> SpreadByGroup(ViewContext& context,
                                                            const ViewRequest& request,
                                                            const Dimension& dimension,
                                                            std::string_view metric) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  CANDOR_ASSIGN_OR_RETURN(const auto values, LoadMetricMeans(context, request.period, metric));
  std::map<std::string, Spread> spreads;
  for (const DeviceInfo& device : devices) {
    if (request.only_devices && !request.only_devices->contains(device.no)) continue;
    const auto at = values.find(device.no);
    if (at != values.end()) spreads[dimension.ValueOf(device)].Add(at->second);
  }
  return spreads;
}

Cell Over(std::optional<double> amount, double divisor) {
  return amount && divisor > 0 ? Cell(*amount / divisor) : Cell();
}

struct Beside {
  std::map<std::string, Spread> disk;
  std::map<std::string, Spread> battery;
  std::map<std::string, GroupLost> lost;
};

Row RowOf(const GroupFacts& group, Beside& beside) {
  const FactsTotal& total = group.total;
  const Spread& disk = beside.disk[group.name];
  const Spread& battery = beside.battery[group.name];
  const auto share = [&](uint32_t metric, std::string_view watched) {
    return ToCell(total.SharePct(metric, watched));
  };
  const auto quantile = [&](uint32_t metric, double q) {
    return ToCell(total.Quantile(metric, q));
  };
  constexpr double kMib = 1 << 20;
  const auto agent_cpu_ms = total.Sum(metric::kAgentCpu);
  return {group.name,
          ToCell(total.StallPct()),
          share(metric::kIoStall, watch::kPressure),
          share(metric::kMemoryStall, watch::kPressure),
          share(metric::kCpuStall, watch::kPressure),
          quantile(metric::kUiReply, 0.50),
          quantile(metric::kUiReply, 0.75),
          quantile(metric::kUiReply, 0.99),
          Over(total.Sum(metric::kHangSeconds), total.active_s() / 100),
          quantile(metric::kLaunch, 0.75),
          share(metric::kThrottled, watch::kThrottle),
          ToCell(disk.mean.value()),
          ToCell(disk.least),
          ToCell(battery.mean.value()),
          ToCell(battery.least),
          quantile(metric::kMemoryAvailable, 0.10),
          quantile(metric::kDiskRead, 0.75),
          quantile(metric::kDiskWrite, 0.75),
          Over(agent_cpu_ms, total.observed_s() * 10),  // ms in s, per cent
          Over(total.Sum(metric::kAgentWakeups), total.observed_s()),
          Over(total.Sum(metric::kAgentBytesSent), kMib * total.observed_s() / kSecondsPerDay),
          static_cast<int64_t>(group.devices),
          ToCell(beside.lost[group.name].per_day())};
}

}  // namespace

Answer AnswerHealth(ViewContext& context, const ViewRequest& request) {
  const std::string by = request.by.empty() ? "model" : request.by;
  Table table = HealthTable(by);
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  absl::StatusOr<Dimension> dimension = Dimension::Resolve(context.db, by);
  if (!dimension.ok() && request.by.empty()) dimension = Dimension::Resolve(context.db, "all");
  if (!dimension.ok()) return dimension.status();
  Beside beside;
  CANDOR_ASSIGN_OR_RETURN(beside.disk,
                          SpreadByGroup(context, request, *dimension, "disk_free_gib"));
  CANDOR_ASSIGN_OR_RETURN(beside.battery,
                          SpreadByGroup(context, request, *dimension, "battery_pct"));
  CANDOR_ASSIGN_OR_RETURN(beside.lost,
                          LostByGroup(context, request, *dimension, {"stall", "hang"}));
  CANDOR_RETURN_IF_ERROR(
      ForEachGroup(context, request, *dimension, HealthMetrics(),
                   [&](const GroupFacts& group) { table.rows.push_back(RowOf(group, beside)); }));
  RankRows({"-lost_min_per_day", "-stall_pct"}, table);
  return std::vector<Table>{std::move(table)};
}

}  // namespace candor
