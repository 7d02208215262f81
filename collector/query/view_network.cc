// `candor network`: how the network feels, by group of devices or --by service, most time lost
// first, then most points. Quantiles are of all probes of the group's active time together.
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

const std::set<uint32_t>& NetworkMetrics() {
  static const std::set<uint32_t> metrics = {metric::kRtt,           metric::kDns,
                                             metric::kTls,           metric::kFirstByte,
                                             metric::kSegmentsSent,  metric::kSegmentsRetransmitted,
                                             metric::kPassiveRtt,    metric::kProbes,
                                             metric::kProbeFailures, metric::kOfflineSeconds,
                                             metric::kOnlineSeconds, metric::kNoLinkSeconds,
                                             metric::kGatewayRtt,    metric::kServicePing};
  return metrics;
}

bool TellsDevicesApart(const std::string& by) { return by == "device" || by == "host"; }

Table NetworkTable(const std::string& by) {
  Table table;
  table.name = "network";
  table.title = "Network by " + by;
  table.columns = {TextColumn(by, by).Key(),
                   NumberColumn("rtt_ms_p50", "round trip ms p50"),
                   NumberColumn("rtt_ms_p75", "p75"),
                   NumberColumn("rtt_ms_p99", "p99").Rank(3),
                   NumberColumn("dns_ms_p50", "DNS ms p50").Hidden(),
                   NumberColumn("dns_ms_p75", "DNS ms p75").Rank(1),
                   NumberColumn("dns_ms_p99", "DNS ms p99").Hidden(),
                   NumberColumn("tls_ms_p75", "TLS ms p75").Rank(4),
                   NumberColumn("first_byte_ms_p75", "first byte ms p75").Rank(4)};
  if (by == "service") {
    table.columns.push_back(NumberColumn("service_ping_ms_p75", "ping ms p75").Rank(5));
    table.columns.push_back(NumberColumn("probe_failures_pct", "failed %", 2));
    table.columns.push_back(IntegerColumn("probe_failures", "failed").Rank(3));
    return table;
  }
  std::vector<Column> of_devices = {
      NumberColumn("passive_rtt_ms_p75", "own connections ms p75").Rank(5),
      NumberColumn("gateway_rtt_ms_p75", "gateway ms p75").Rank(5),
      NumberColumn("loss_pct", "loss %", 2),
      NumberColumn("offline_pct", "offline %", 2),
      NumberColumn("no_link_pct", "no link %", 2).Rank(6),
      NumberColumn("probe_failures_pct", "failed %", 2).Rank(6)};
  // What one laptop sent grows with the hours it is used.
  if (!TellsDevicesApart(by)) {
    of_devices.push_back(IntegerColumn("segments_retransmitted", "retransmitted").Hidden());
    of_devices.push_back(IntegerColumn("segments_sent", "sent").Hidden());
  }
  of_devices.push_back(IntegerColumn("devices", "devices").Rank(2));
  of_devices.push_back(NumberColumn("lost_min_per_day", "lost min/day", 2));
  table.columns.insert(table.columns.end(), of_devices.begin(), of_devices.end());
  table.notes = {std::string(kRoundedNote)};
  return table;
}

Cell Whole(std::optional<double> value) {
  return value ? Cell(static_cast<int64_t>(*value)) : Cell();
}

// --by service: the subjects of the probes.
// Failures of few laptops ÷ their share would be how often was asked, and so for how long.
void AddServices(const FactsTotal& total, bool counts_shown, Table& table) {
  std::set<std::string> services;
  for (const auto& [key, value] : total.metrics()) {
    if (key.first == metric::kProbes || key.first == metric::kRtt || key.first == metric::kDns) {
      services.insert(key.second);
    }
  }
  for (const std::string& service : services) {
    const auto quantile = [&](uint32_t metric, double q) {
      return ToCell(total.Quantile(metric, service, q));
    };
    table.rows.push_back(
        {service, quantile(metric::kRtt, 0.50), quantile(metric::kRtt, 0.75),
         quantile(metric::kRtt, 0.99), quantile(metric::kDns, 0.50), quantile(metric::kDns, 0.75),
         quantile(metric::kDns, 0.99), quantile(metric::kTls, 0.75),
         quantile(metric::kFirstByte, 0.75), quantile(metric::kServicePing, 0.75),
         ToCell(total.FailurePct(service)),
         counts_shown ? Whole(total.Sum(metric::kProbeFailures, service)) : Cell()});
  }
  RankRows({"-probe_failures_pct", "-rtt_ms_p75"}, table);
}

Row RowOf(const GroupFacts& group, const ViewRequest& request, const std::string& by,
          const Cell& lost) {
  const FactsTotal& total = group.total;
  const auto quantile = [&](uint32_t metric, double q) {
    return ToCell(total.Quantile(metric, q));
  };
  Row row = {group.name,
             quantile(metric::kRtt, 0.50),
             quantile(metric::kRtt, 0.75),
             quantile(metric::kRtt, 0.99),
             quantile(metric::kDns, 0.50),
             quantile(metric::kDns, 0.75),
             quantile(metric::kDns, 0.99),
             quantile(metric::kTls, 0.75),
             quantile(metric::kFirstByte, 0.75),
             quantile(metric::kPassiveRtt, 0.75),
             quantile(metric::kGatewayRtt, 0.75),
             ToCell(total.LossPct()),
             ToCell(total.OfflinePct()),
             ToCell(total.NoLinkPct()),
             ToCell(total.FailurePct())};
  if (!TellsDevicesApart(by)) {
    const bool picked = request.only_devices.has_value();
    row.push_back(picked ? Cell() : Whole(total.Sum(metric::kSegmentsRetransmitted)));
    row.push_back(picked ? Cell() : Whole(total.Sum(metric::kSegmentsSent)));
  }
  row.push_back(static_cast<int64_t>(group.devices));
  row.push_back(lost);
  return row;
}

}  // namespace

Answer AnswerNetwork(ViewContext& context, const ViewRequest& request) {
  std::string by = request.by;
  if (by.empty()) {
    CANDOR_ASSIGN_OR_RETURN(const auto labels, LabelKeys(context.db));
    const bool sites = std::find(labels.begin(), labels.end(), "location") != labels.end();
    by = sites ? "location" : "service";
  }
  Table table = NetworkTable(by);
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  const bool by_service = by == "service";
  CANDOR_ASSIGN_OR_RETURN(const Dimension dimension,
                          Dimension::Resolve(context.db, by_service ? "all" : by, {"service"}));
  CANDOR_ASSIGN_OR_RETURN(const auto lost, LostByGroup(context, request, dimension, {"offline"}));
  CANDOR_RETURN_IF_ERROR(
      ForEachGroup(context, request, dimension, NetworkMetrics(), [&](const GroupFacts& group) {
        if (by_service) {
          AddServices(group.total, !MustRound(request, group.devices), table);
          return;
        }
        const auto at = lost.find(group.name);
        table.rows.push_back(
            RowOf(group, request, by, at == lost.end() ? Cell() : ToCell(at->second.per_day())));
      }));
  if (!by_service) RankRows({"-lost_min_per_day", "-rtt_ms_p75"}, table);
  return std::vector<Table>{std::move(table)};
}

}  // namespace candor
