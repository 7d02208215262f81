#include "collector/query/view_network_class.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "collector/query/facts_scan.h"
#include "collector/query/shape.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

struct ClassTotal {
  Histogram rtt;
  int64_t online_s = 0;
  int64_t offline_s = 0;
  std::set<int64_t> devices;
};

Table ClassTable() {
  Table table;
  table.name = "network";
  table.title = "Network by class";
  table.columns = {TextColumn("class", "class").Key(),
                   NumberColumn("rtt_ms_p50", "round trip ms p50"),
                   NumberColumn("rtt_ms_p75", "p75"), NumberColumn("rtt_ms_p99", "p99"),
                   NumberColumn("offline_pct", "offline %", 2)};
  table.notes = {absl::StrCat("kinds of network that fewer than ", kClassDevicesMin,
                              " laptops saw are left out")};
  return table;
}

Row ClassRow(const std::string& name, const ClassTotal& total) {
  const double steps = FindMetric(metric::kClassRtt)->steps_per_unit;
  const auto quantile = [&](double q) {
    const auto value = total.rtt.Quantile(q);
    return value ? Cell(*value / steps) : Cell();
  };
  const auto watched_s = static_cast<double>(total.online_s + total.offline_s);
  return {name, quantile(0.50), quantile(0.75), quantile(0.99),
          watched_s > 0 ? Cell(100 * static_cast<double>(total.offline_s) / watched_s) : Cell()};
}

}  // namespace

Answer AnswerNetworkByClass(ViewContext& context, const ViewRequest& request) {
  Table table = ClassTable();
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  if (request.only_devices) {
    return absl::InvalidArgumentError(
        "figures by class of network are of all laptops: no filter picks some of them");
  }
  std::map<std::string, ClassTotal> classes;
  FactsTotal day({metric::kClassRtt, metric::kClassOnlineSeconds, metric::kClassOfflineSeconds});
  CANDOR_RETURN_IF_ERROR(ForEachDayFact(
      context, request, [&](int64_t device, int64_t, const store::v1::FactSet& facts) {
        day.Clear();
        day.Add(facts);
        for (const auto& [key, total] : day.metrics()) {
          ClassTotal& into = classes[key.second];
          into.rtt.Merge(total.histogram);
          if (key.first == metric::kClassOnlineSeconds) into.online_s += total.sum;
          if (key.first == metric::kClassOfflineSeconds) into.offline_s += total.sum;
          into.devices.insert(device);
        }
      }));
  for (const auto& [name, total] : classes) {
    if (total.devices.size() < kClassDevicesMin) continue;
    table.rows.push_back(ClassRow(name, total));
  }
  RankRows({"-offline_pct", "-rtt_ms_p75"}, table);
  return std::vector<Table>{std::move(table)};
}

}  // namespace candor
