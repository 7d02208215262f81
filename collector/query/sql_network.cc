#include "collector/query/sql_network.h"

#include <array>
#include <set>
#include <string>

#include "collector/query/facts_total.h"
#include "collector/store/facts.pb.h"
#include "common/registry.h"

namespace candor {
namespace {

constexpr auto kNetworkColumns = std::to_array<SqlColumn>({
    {"device", "TEXT", "id"},
    {"day", "INTEGER", "local day, days since 1970"},
    {"offline_pct", "REAL", "of the time with a link"},
    {"offline_cause", "TEXT",
     "what took most of it: gateway, no_route, portal, dns_silent, dns_error, refused, no_answer"},
    {"offline_gateway_pct", "REAL", "of the time with a link: the line in the room"},
    {"offline_no_route_pct", "REAL", "no address was handed out"},
    {"offline_portal_pct", "REAL", "somebody else answered for the service"},
    {"offline_dns_silent_pct", "REAL", "resolvers said nothing"},
    {"offline_dns_error_pct", "REAL", "resolvers knew no address"},
    {"offline_refused_pct", "REAL", "services were down"},
    {"offline_no_answer_pct", "REAL", "lost beyond the gateway"},
    {"ipv4_failed_pct", "REAL", "of probes of services that have both"},
    {"ipv6_failed_pct", "REAL", "of probes of services that have both"},
    {"rtt_ipv4_ms_p75", "REAL", ""},
    {"rtt_ipv6_ms_p75", "REAL", ""},
    {"wifi_signal_dbm_p25", "REAL", "a quarter of the readings are below"},
    {"wifi_failed_pct", "REAL", "of frames sent"},
    {"wifi_drops_per_h", "REAL", "connections lost, an hour of Wi-Fi"},
});

std::optional<double> NumberOf(const FactsTotal& total, std::string_view column) {
  constexpr std::string_view kOffline = "offline_";
  constexpr std::string_view kPct = "_pct";
  if (column == "offline_pct") return total.OfflinePct();
  if (column.starts_with(kOffline) && column.ends_with(kPct)) {
    column.remove_prefix(kOffline.size());
    column.remove_suffix(kPct.size());
    return total.OfflineCausePct(column);
  }
  if (column == "ipv4_failed_pct") {
    return total.PartPct(metric::kProbeFailuresIpv4, metric::kProbesIpv4);
  }
  if (column == "ipv6_failed_pct") {
    return total.PartPct(metric::kProbeFailuresIpv6, metric::kProbesIpv6);
  }
  if (column == "rtt_ipv4_ms_p75") return total.Quantile(metric::kRttIpv4, 0.75);
  if (column == "rtt_ipv6_ms_p75") return total.Quantile(metric::kRttIpv6, 0.75);
  if (column == "wifi_failed_pct") {
    return total.PartPct(metric::kWifiFramesFailed, metric::kWifiFramesSent);
  }
  if (column == "wifi_drops_per_h") return total.AnHour(metric::kWifiDrops, watch::kWifi);
  if (column == "wifi_signal_dbm_p25") {
    const auto weak = total.Quantile(metric::kWifiSignal, 0.75);
    return weak ? std::optional(-*weak) : std::nullopt;
  }
  return std::nullopt;
}

const std::set<uint32_t>& FiguresOfNetwork() {
  static const std::set<uint32_t> metrics = {metric::kOfflineSeconds,
                                             metric::kOnlineSeconds,
                                             metric::kOfflineCauseSeconds,
                                             metric::kRttIpv4,
                                             metric::kRttIpv6,
                                             metric::kProbesIpv4,
                                             metric::kProbesIpv6,
                                             metric::kProbeFailuresIpv4,
                                             metric::kProbeFailuresIpv6,
                                             metric::kWifiSignal,
                                             metric::kWifiFramesSent,
                                             metric::kWifiFramesFailed,
                                             metric::kWifiDrops,
                                             metric::kWatched};
  return metrics;
}

}  // namespace

// Known before anything is initialised at run time.
constinit const SqlTable kNetworkSqlTable = {
    "network", "how the network was, one row a device-day", kNetworkColumns,
    "SELECT d.device_id AS device, f.day AS day, "
    "candor_network(f.facts, 'offline_pct') AS offline_pct, "
    "candor_network(f.facts, 'offline_cause') AS offline_cause, "
    "candor_network(f.facts, 'offline_gateway_pct') AS offline_gateway_pct, "
    "candor_network(f.facts, 'offline_no_route_pct') AS offline_no_route_pct, "
    "candor_network(f.facts, 'offline_portal_pct') AS offline_portal_pct, "
    "candor_network(f.facts, 'offline_dns_silent_pct') AS offline_dns_silent_pct, "
    "candor_network(f.facts, 'offline_dns_error_pct') AS offline_dns_error_pct, "
    "candor_network(f.facts, 'offline_refused_pct') AS offline_refused_pct, "
    "candor_network(f.facts, 'offline_no_answer_pct') AS offline_no_answer_pct, "
    "candor_network(f.facts, 'ipv4_failed_pct') AS ipv4_failed_pct, "
    "candor_network(f.facts, 'ipv6_failed_pct') AS ipv6_failed_pct, "
    "candor_network(f.facts, 'rtt_ipv4_ms_p75') AS rtt_ipv4_ms_p75, "
    "candor_network(f.facts, 'rtt_ipv6_ms_p75') AS rtt_ipv6_ms_p75, "
    "candor_network(f.facts, 'wifi_signal_dbm_p25') AS wifi_signal_dbm_p25, "
    "candor_network(f.facts, 'wifi_failed_pct') AS wifi_failed_pct, "
    "candor_network(f.facts, 'wifi_drops_per_h') AS wifi_drops_per_h "
    "FROM day_fact f JOIN device d ON d.no = f.device"};

void NetworkSqlFunction(sqlite3_context* context, int, sqlite3_value** arguments) {
  store::v1::FactSet facts;
  if (!facts.ParseFromArray(sqlite3_value_blob(arguments[0]), sqlite3_value_bytes(arguments[0]))) {
    return sqlite3_result_error(context, "the facts of a device-day cannot be read", -1);
  }
  FactsTotal total(FiguresOfNetwork());
  total.Add(facts);
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(arguments[1]));
  const std::string_view column = text == nullptr ? "" : text;
  if (column == "offline_cause") {
    const auto cause = total.MainOfflineCause();
    if (!cause) return;
    return sqlite3_result_text64(context, cause->data(), cause->size(), SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
  }
  if (const auto number = NumberOf(total, column)) sqlite3_result_double(context, *number);
}

}  // namespace candor
