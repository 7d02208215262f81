// `candor watch [HOST]`: what is going on right now. The engine asks it again and again and sends
// what changed; each answer is whole.
#include <algorithm>
#include <map>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/query/facts_scan.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kFaultsShown = 12;

Table FaultsTable() {
  Table table;
  table.name = "faults";
  table.title = "Latest faults";
  table.columns = {TimeColumn("time", "time"), TextColumn("host", "host"),
                   TextColumn("what", "what"), TextColumn("name", "name")};
  return table;
}

// Faults of the whole fleet since yesterday, newest first.
absl::StatusOr<Table> LatestFaults(ViewContext& context, const ViewRequest& request) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  std::unordered_map<int64_t, std::string> hosts;
  for (const DeviceInfo& device : devices) hosts.emplace(device.no, device.host);
  ViewRequest recent = request;
  recent.period.from_day = recent.period.to_day - 2;
  Table table = FaultsTable();
  CANDOR_RETURN_IF_ERROR(ForEachEvent(
      context, recent, {event::kCrash, event::kUnitFailure, event::kHang},
      [&](const EventRow& row, const v1::Event& event) {
        const auto [what, name] =
            event.has_crash()
                ? std::pair<std::string, std::string>("crash", event.crash().program())
            : event.has_hang()
                ? std::pair<std::string, std::string>("hang", event.hang().application())
                : std::pair<std::string, std::string>("service failed",
                                                      event.unit_failure().unit());
        table.rows.push_back({row.wall_ms, hosts[row.device], what, name});
      }));
  std::stable_sort(table.rows.begin(), table.rows.end(),
                   [](const Row& a, const Row& b) { return CompareCells(b[0], a[0]) < 0; });
  if (table.rows.size() > kFaultsShown) table.rows.resize(kFaultsShown);
  return table;
}

}  // namespace

Answer AnswerWatch(ViewContext& context, const ViewRequest& request) {
  if (request.device) {
    CANDOR_ASSIGN_OR_RETURN(std::vector<Table> page, AnswerDevice(context, request));
    std::erase_if(page, [](const Table& table) {
      return table.name == "inventory" || table.name == "unmeasured" || table.name == "days";
    });
    return page;
  }
  CANDOR_ASSIGN_OR_RETURN(std::vector<Table> tables, AnswerFleet(context, request));
  if (request.columns_only) return tables;
  CANDOR_ASSIGN_OR_RETURN(tables.emplace_back(), LatestFaults(context, request));
  return tables;
}

}  // namespace candor
