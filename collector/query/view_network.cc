// `candor network`: how the network feels, by group of devices, --by service or --by class of
// network, most time lost first, then most points. Quantiles are of all probes of the group's
// active time together.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "collector/query/coarse.h"
#include "collector/query/facts_scan.h"
#include "collector/query/score_frame.h"
#include "collector/query/shape.h"
#include "collector/query/view.h"
#include "collector/query/view_network_class.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

const std::set<uint32_t>& NetworkMetrics() {
  static const std::set<uint32_t> metrics = [] {
    std::set<uint32_t> numbers = {metric::kWatched};
    for (const MetricEntry& entry : Metrics()) {
      if (entry.family == "network") numbers.insert(entry.number);
    }
    return numbers;
  }();
  return metrics;
}

bool TellsDevicesApart(const std::string& by) { return by == "device" || by == "host"; }

struct Cause {
  std::string_view column;
  std::string_view name;
};
constexpr Cause kCauses[] = {{"offline_gateway_pct", offline_cause::kGateway},
                             {"offline_no_route_pct", offline_cause::kNoRoute},
                             {"offline_portal_pct", offline_cause::kPortal},
                             {"offline_dns_silent_pct", offline_cause::kDnsSilent},
                             {"offline_dns_error_pct", offline_cause::kDnsError},
                             {"offline_refused_pct", offline_cause::kRefused},
                             {"offline_no_answer_pct", offline_cause::kNoAnswer}};

// IPv4 and IPv6 each, of services that have both.
void AddFamilyColumns(std::vector<Column>& columns) {
  columns.push_back(NumberColumn("rtt_ipv4_ms_p75", "IPv4 ms p75").Hidden());
  columns.push_back(NumberColumn("rtt_ipv6_ms_p75", "IPv6 ms p75").Hidden());
  columns.push_back(NumberColumn("ipv4_failed_pct", "IPv4 failed %", 2).Hidden());
  columns.push_back(NumberColumn("ipv6_failed_pct", "IPv6 failed %", 2).Rank(6));
}

// Of the time with a link, as offline_pct.
void AddCauseColumns(std::vector<Column>& columns) {
  for (const Cause& cause : kCauses) {
    columns.push_back(
        NumberColumn(std::string(cause.column), std::string(cause.name) + " %", 2).Hidden());
  }
}

void AddWifiColumns(bool of_groups, std::vector<Column>& columns) {
  columns.push_back(NumberColumn("wifi_signal_dbm_p25", "Wi-Fi dBm p25", 0).Rank(6));
  columns.push_back(NumberColumn("wifi_rate_mbit_p50", "Wi-Fi Mbit/s p50", 0).Hidden());
  columns.push_back(NumberColumn("wifi_retried_pct", "Wi-Fi again %", 2).Hidden());
  columns.push_back(NumberColumn("wifi_failed_pct", "Wi-Fi failed %", 2).Hidden());
  columns.push_back(NumberColumn("wifi_beacons_lost_per_h", "beacons lost/h", 2).Hidden());
  columns.push_back(NumberColumn("wifi_drops_per_h", "Wi-Fi drops/h", 2).Rank(6));
  // Who walks about is not a matter of one laptop.
  if (of_groups) columns.push_back(NumberColumn("wifi_roams_per_h", "roams/h", 2).Hidden());
}

void AddFamilyCells(const FactsTotal& total, const std::string* service, Row& row) {
  const auto quantile = [&](uint32_t metric) {
    return ToCell(service ? total.Quantile(metric, *service, 0.75) : total.Quantile(metric, 0.75));
  };
  const auto failed = [&](uint32_t failures, uint32_t probes) {
    return ToCell(service ? total.PartPct(failures, probes, *service)
                          : total.PartPct(failures, probes));
  };
  row.push_back(quantile(metric::kRttIpv4));
  row.push_back(quantile(metric::kRttIpv6));
  row.push_back(failed(metric::kProbeFailuresIpv4, metric::kProbesIpv4));
  row.push_back(failed(metric::kProbeFailuresIpv6, metric::kProbesIpv6));
}

void AddWifiCells(const FactsTotal& total, bool of_groups, bool roams_shown, Row& row) {
  // Weakest last: the signal that a quarter of the readings are below.
  const auto weak = total.Quantile(metric::kWifiSignal, 0.75);
  row.push_back(weak ? Cell(-*weak) : Cell());
  row.push_back(ToCell(total.Quantile(metric::kWifiRate, 0.50)));
  row.push_back(ToCell(total.PartPct(metric::kWifiFramesRetried, metric::kWifiFramesSent)));
  row.push_back(ToCell(total.PartPct(metric::kWifiFramesFailed, metric::kWifiFramesSent)));
  row.push_back(ToCell(total.AnHour(metric::kWifiBeaconsLost, watch::kWifi)));
  row.push_back(ToCell(total.AnHour(metric::kWifiDrops, watch::kWifi)));
  if (!of_groups) return;
  row.push_back(roams_shown ? ToCell(total.AnHour(metric::kWifiRoams, watch::kWifi)) : Cell());
}

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
    AddFamilyColumns(table.columns);
    return table;
  }
  std::vector<Column> of_devices = {
      NumberColumn("passive_rtt_ms_p75", "own connections ms p75").Rank(5),
      NumberColumn("gateway_rtt_ms_p75", "gateway ms p75").Rank(5),
      NumberColumn("loss_pct", "loss %", 2),
      NumberColumn("offline_pct", "offline %", 2),
      TextColumn("offline_cause", "mostly").Rank(2),
      NumberColumn("no_link_pct", "no link %", 2).Rank(6),
      NumberColumn("probe_failures_pct", "failed %", 2).Rank(6)};
  // What one laptop sent grows with the hours it is used.
  if (!TellsDevicesApart(by)) {
    of_devices.push_back(IntegerColumn("segments_retransmitted", "retransmitted").Hidden());
    of_devices.push_back(IntegerColumn("segments_sent", "sent").Hidden());
  }
  AddFamilyColumns(of_devices);
  AddCauseColumns(of_devices);
  AddWifiColumns(!TellsDevicesApart(by), of_devices);
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
    AddFamilyCells(total, &service, table.rows.back());
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
             ToCell(total.MainOfflineCause()),
             ToCell(total.NoLinkPct()),
             ToCell(total.FailurePct())};
  if (!TellsDevicesApart(by)) {
    const bool picked = request.only_devices.has_value();
    row.push_back(picked ? Cell() : Whole(total.Sum(metric::kSegmentsRetransmitted)));
    row.push_back(picked ? Cell() : Whole(total.Sum(metric::kSegmentsSent)));
  }
  AddFamilyCells(total, nullptr, row);
  for (const Cause& cause : kCauses) row.push_back(ToCell(total.OfflineCausePct(cause.name)));
  AddWifiCells(total, !TellsDevicesApart(by), !MustRound(request, group.devices), row);
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
  if (by == kByNetworkClass) return AnswerNetworkByClass(context, request);
  Table table = NetworkTable(by);
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  const bool by_service = by == "service";
  CANDOR_ASSIGN_OR_RETURN(const Dimension dimension,
                          Dimension::Resolve(context.db, by_service ? "all" : by,
                                             {"service", std::string(kByNetworkClass)}));
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
