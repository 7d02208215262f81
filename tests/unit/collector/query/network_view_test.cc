// `candor network`: why laptops were offline, IPv4 and IPv6, Wi-Fi, and kinds of network.
#include <string>

#include "collector/query/sql_network.h"
#include "collector/query/view_network_class.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using namespace testing;

Table NetworkBy(QueryStore& store, const std::string& by) {
  const auto tables = store.Ask("network", [&](v1::QueryRequest& r) { r.set_by(by); });
  REQUIRE_OK(tables);
  return tables->front();
}

// Offline for `offline_s` of 1,000 s, for these causes.
void AddOffline(QueryStore& store, int64_t device, int64_t offline_s,
                const std::map<std::string, int64_t>& causes) {
  FactAccumulator facts = ActiveMinute();
  AddSum(facts, metric::kOfflineSeconds, "", offline_s);
  AddSum(facts, metric::kOnlineSeconds, "", 1'000 - offline_s);
  for (const auto& [cause, seconds] : causes) {
    AddSum(facts, metric::kOfflineCauseSeconds, cause, seconds);
  }
  store.AddFacts(device, 1, std::move(facts));
}

TEST_CASE("network: time offline is split by cause, and the main one is named") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"location", "Lyon"}});
  const int64_t bert = store.AddDevice("bert", {{"location", "Lyon"}});
  const int64_t cleo = store.AddDevice("cleo", {{"location", "Porto"}});
  AddOffline(store, anna, 50, {{"portal", 20}, {"gateway", 30}});
  AddOffline(store, bert, 50, {{"portal", 50}});
  AddOffline(store, cleo, 0, {});
  const Table table = NetworkBy(store, "location");
  REQUIRE(ColumnText(table, "location") == "Lyon Porto");
  CHECK(NumberAt(table, 0, "offline_pct") == Approx(5));
  CHECK(TextAt(table, 0, "offline_cause") == "portal");
  CHECK(NumberAt(table, 0, "offline_portal_pct") == Approx(3.5));
  CHECK(NumberAt(table, 0, "offline_gateway_pct") == Approx(1.5));
  CHECK(NumberAt(table, 0, "offline_dns_silent_pct") == 0);
  // Never offline: every cause was looked for and not there.
  CHECK(IsEmpty(At(table, 1, "offline_cause")));
  CHECK(NumberAt(table, 1, "offline_portal_pct") == 0);
}

TEST_CASE("network: agents that tell no causes leave them unknown, not zero") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"location", "Lyon"}});
  const int64_t bert = store.AddDevice("bert", {{"location", "Lyon"}});
  AddOffline(store, anna, 90, {{"refused", 90}});
  AddOffline(store, bert, 11, {});
  const Table mixed = NetworkBy(store, "location");
  CHECK(NumberAt(mixed, 0, "offline_pct") == Approx(5.05));
  CHECK(IsEmpty(At(mixed, 0, "offline_cause")));
  CHECK(IsEmpty(At(mixed, 0, "offline_refused_pct")));
  const Table apart = NetworkBy(store, "host");
  CHECK(TextAt(apart, 0, "offline_cause") == "refused");
  CHECK(IsEmpty(At(apart, 1, "offline_refused_pct")));
}

TEST_CASE("network: broken IPv6 shows beside IPv4, by group and by service") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"location", "Lyon"}});
  FactAccumulator facts = ActiveMinute();
  AddValues(facts, metric::kRtt, "mail", {20'000});
  AddValues(facts, metric::kRttIpv4, "mail", {20'000});
  AddValues(facts, metric::kRttIpv6, "mail", {90'000});
  AddSum(facts, metric::kProbesIpv4, "mail", 10);
  AddSum(facts, metric::kProbeFailuresIpv4, "mail", 0);
  AddSum(facts, metric::kProbesIpv6, "mail", 10);
  AddSum(facts, metric::kProbeFailuresIpv6, "mail", 4);
  AddValues(facts, metric::kRtt, "wiki", {20'000});
  store.AddFacts(anna, 1, std::move(facts));
  for (const char* by : {"location", "service"}) {
    const Table table = NetworkBy(store, by);
    CAPTURE(by);
    CHECK(NumberAt(table, 0, "ipv6_failed_pct") == 40);
    CHECK(NumberAt(table, 0, "ipv4_failed_pct") == 0);
    CHECK(NumberAt(table, 0, "rtt_ipv4_ms_p75") == Approx(20).epsilon(0.011));
    CHECK(NumberAt(table, 0, "rtt_ipv6_ms_p75") == Approx(90).epsilon(0.011));
  }
  // The score's own round trips stay what they were.
  CHECK(NumberAt(NetworkBy(store, "location"), 0, "rtt_ms_p99") == Approx(20).epsilon(0.011));
  CHECK(IsEmpty(At(NetworkBy(store, "service"), 1, "ipv6_failed_pct")));
}

TEST_CASE("network: Wi-Fi in dBm, shares and times an hour, and who roams of groups alone") {
  QueryStore store;
  for (const char* host : {"anna", "bert"}) {
    const int64_t device = store.AddDevice(host, {{"location", "Lyon"}});
    FactAccumulator facts = ActiveMinute();
    AddValues(facts, metric::kWifiSignal, "", {50, 60, 70, 80});
    AddValues(facts, metric::kWifiRate, "", {8'667});
    AddSum(facts, metric::kWifiFramesSent, "", 1'000);
    AddSum(facts, metric::kWifiFramesFailed, "", 15);
    AddSum(facts, metric::kWifiFramesRetried, "", 100);
    AddSum(facts, metric::kWifiDrops, "", 3);
    AddSum(facts, metric::kWifiRoams, "", 6);
    AddSum(facts, metric::kWatched, std::string(watch::kWifi), 2 * 3'600'000);
    store.AddFacts(device, 1, std::move(facts));
  }
  const Table group = NetworkBy(store, "location");
  CHECK(NumberAt(group, 0, "wifi_signal_dbm_p25") == Approx(-70).epsilon(0.011));
  CHECK(NumberAt(group, 0, "wifi_rate_mbit_p50") == Approx(866.7).epsilon(0.011));
  CHECK(NumberAt(group, 0, "wifi_failed_pct") == Approx(1.5));
  CHECK(NumberAt(group, 0, "wifi_retried_pct") == Approx(10));
  CHECK(NumberAt(group, 0, "wifi_drops_per_h") == Approx(1.5));
  CHECK(NumberAt(group, 0, "wifi_roams_per_h") == Approx(3));
  CHECK(IsEmpty(At(group, 0, "wifi_beacons_lost_per_h")));

  const Table device = NetworkBy(store, "host");
  CHECK(NumberAt(device, 0, "wifi_drops_per_h") == Approx(1.5));
  CHECK_FALSE(device.Find("wifi_roams_per_h"));
  const auto picked = store.Ask("network", [](v1::QueryRequest& r) {
    r.set_by("location");
    r.set_where("host = anna");
  });
  REQUIRE_OK(picked);
  CHECK(IsEmpty(At(picked->front(), 0, "wifi_roams_per_h")));
}

TEST_CASE("network by class: everybody together, kinds that few saw left out") {
  QueryStore store;
  for (size_t i = 0; i < kClassDevicesMin; ++i) {
    const int64_t device = store.AddDevice("host" + std::to_string(i));
    FactAccumulator facts = ActiveMinute();
    AddValues(facts, metric::kClassRtt, "office", {10'000});
    AddSum(facts, metric::kClassOnlineSeconds, "office", 60);
    AddSum(facts, metric::kClassOfflineSeconds, "office", 0);
    AddSum(facts, metric::kClassOnlineSeconds, "other vpn", 30);
    AddSum(facts, metric::kClassOfflineSeconds, "other vpn", 10);
    if (i > 0) {
      AddValues(facts, metric::kClassRtt, "home", {500'000});
      AddSum(facts, metric::kClassOnlineSeconds, "home", 60);
    }
    store.AddFacts(device, 1, std::move(facts));
  }
  const Table table = NetworkBy(store, "class");
  REQUIRE(ColumnText(table, "class") == "other vpn office");
  CHECK(NumberAt(table, 0, "offline_pct") == Approx(25));
  CHECK(IsEmpty(At(table, 0, "rtt_ms_p75")));
  CHECK(NumberAt(table, 1, "rtt_ms_p75") == Approx(10).epsilon(0.011));
  CHECK(NumberAt(table, 1, "offline_pct") == 0);

  const auto picked = store.Ask("network", [](v1::QueryRequest& r) {
    r.set_by("class");
    r.set_where("host = host0");
  });
  REQUIRE_FALSE(picked.ok());
}

TEST_CASE("sql: the network of a device-day in the same figures, never in seconds") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  const int64_t bert = store.AddDevice("bert");
  AddOffline(store, anna, 50, {{"portal", 20}, {"gateway", 30}});
  AddOffline(store, bert, 100, {});
  const auto tables = store.Ask("sql", [](v1::QueryRequest& r) {
    r.set_text(
        "SELECT offline_cause, offline_pct, offline_portal_pct, wifi_signal_dbm_p25 FROM network "
        "ORDER BY offline_pct");
  });
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(table.rows.size() == 2);
  CHECK(TextAt(table, 0, "offline_cause") == "gateway");
  CHECK(NumberAt(table, 0, "offline_pct") == Approx(5));
  CHECK(NumberAt(table, 0, "offline_portal_pct") == Approx(2));
  CHECK(IsEmpty(At(table, 0, "wifi_signal_dbm_p25")));
  CHECK(IsEmpty(At(table, 1, "offline_cause")));
  CHECK(NumberAt(table, 1, "offline_pct") == Approx(10));
  for (const SqlColumn& column : kNetworkSqlTable.columns) {
    CHECK_FALSE(column.name.ends_with("_s"));
  }
}

TEST_CASE("the page of one device names no kind of network and no roaming, only why not") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  FactAccumulator facts = ActiveMinute();
  AddValues(facts, metric::kClassRtt, "home", {10'000});
  AddSum(facts, metric::kClassOnlineSeconds, "home vpn", 60);
  AddSum(facts, metric::kWifiRoams, "", 6);
  AddSum(facts, metric::kOfflineSeconds, "", 30);
  AddSum(facts, metric::kOnlineSeconds, "", 30);
  AddSum(facts, metric::kOfflineCauseSeconds, "gateway", 30);
  store.AddFacts(anna, 1, std::move(facts));
  const auto tables = store.Ask("device", [](v1::QueryRequest& r) { r.set_device("anna"); });
  REQUIRE_OK(tables);
  const Table& measured = TableNamed(*tables, "measured");
  bool cause_shown = false;
  for (size_t row = 0; row < measured.rows.size(); ++row) {
    const std::string name = TextAt(measured, row, "metric");
    CHECK_FALSE(name.starts_with("class_"));
    CHECK(name != "wifi_roams");
    if (name != "offline_cause_s") continue;
    cause_shown = true;
    CHECK(TextAt(measured, row, "subject") == "gateway");
    CHECK(NumberAt(measured, row, "value") == Approx(50));  // a share, never seconds
  }
  CHECK(cause_shown);
  const Table& unmeasured = TableNamed(*tables, "unmeasured");
  int said = 0;
  for (size_t row = 0; row < unmeasured.rows.size(); ++row) {
    if (TextAt(unmeasured, row, "reason") == "never shown of one device") ++said;
  }
  CHECK(said == 4);
}

}  // namespace
}  // namespace candor
