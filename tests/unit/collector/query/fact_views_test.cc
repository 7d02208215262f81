// The facts behind the scores of many devices: boots, crashes, network, health, inventory.
#include <algorithm>

#include "common/registry.h"
#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the fixture's helpers

v1::Event Boot(double total_s, double passphrase_s = 0, bool updates = false) {
  v1::Event event;
  event.mutable_boot_done()->set_total_us(static_cast<uint64_t>(total_s * 1e6));
  if (passphrase_s > 0) {
    event.mutable_boot_done()->set_passphrase_us(static_cast<uint64_t>(passphrase_s * 1e6));
  }
  event.mutable_boot_done()->set_installed_updates(updates);
  return event;
}

TEST_CASE("boots: medians by group without updates and passphrases, most time lost first") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {}, {{"model", "Quick"}});
  const int64_t bert = store.AddDevice("bert", {}, {{"model", "Slow"}});
  store.AddEvent(anna, 1, Boot(20));
  store.AddEvent(anna, 2, Boot(30, 8));
  store.AddEvent(anna, 3, Boot(300, 0, true));
  store.AddEvent(bert, 1, Boot(140));
  store.AddScore(anna, 1, 90);
  store.AddScore(bert, 1, 60, Lost(110 / 60.0, "boot"));
  const auto tables = store.Ask("boots");
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(ColumnText(table, "model") == "Slow Quick");
  REQUIRE(ColumnText(table, "boot_s") == "140 21");
  REQUIRE(ColumnText(table, "boots") == "1 3");
  REQUIRE(ColumnText(table, "with_updates") == "0 1");
  for (const Column& column : table.columns) REQUIRE(column.type != ColumnType::kTime);
}

TEST_CASE("crashes: by version, by app and by group, repeats counted, unowned ones lose nothing") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  const int64_t bert = store.AddDevice("bert", {{"department", "Legal"}});
  store.AddScore(anna, 1, 60);
  store.AddScore(bert, 1, 60);
  store.AddScore(bert, 2, 60);
  store.AddEvent(anna, 1, Crash("mailer", "7.3", 4));
  store.AddEvent(bert, 1, Crash("mailer", "7.2"));
  store.AddEvent(bert, 1, Crash("other", "", 20, false), 50'000'000);
  v1::Event panic;
  panic.mutable_system_failure()->set_kind(v1::SystemFailure::PANIC);
  store.AddEvent(bert, 2, panic);

  const auto versions = store.Ask("crashes");
  REQUIRE_OK(versions);
  REQUIRE(ColumnText(versions->front(), "version") == "7.3 7.2 ");
  REQUIRE(ColumnText(versions->front(), "crashes") == "5 1 21");
  REQUIRE(ColumnText(versions->front(), "lost_min") == "10 2 0");
  REQUIRE(NumberAt(versions->front(), 0, "lost_min_per_day") == Approx(10 / 3.0));
  REQUIRE(TextAt(TableNamed(*versions, "system_failures"), 0, "kind") == "panic");

  const auto apps = store.Ask("crashes", [](v1::QueryRequest& r) { r.set_by("app"); });
  REQUIRE_OK(apps);
  REQUIRE(ColumnText(apps->front(), "app") == "mailer other");
  REQUIRE(ColumnText(apps->front(), "crashes") == "6 21");

  const auto groups = store.Ask("crashes", [](v1::QueryRequest& r) { r.set_by("department"); });
  REQUIRE_OK(groups);
  REQUIRE(ColumnText(groups->front(), "department") == "Sales Legal");
  REQUIRE(ColumnText(groups->front(), "lost_min") == "10 12");
}

v1::Event Failure(v1::SystemFailure::Kind kind) {
  v1::Event event;
  event.mutable_system_failure()->set_kind(kind);
  return event;
}

TEST_CASE("crashes: a hung task is shown and loses nothing, as in the score") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  store.AddScore(anna, 1, 60);
  store.AddEvent(anna, 1, Failure(v1::SystemFailure::HUNG_TASK));
  store.AddEvent(anna, 1, Failure(v1::SystemFailure::GPU_RESET));
  const auto groups = store.Ask("crashes", [](v1::QueryRequest& r) { r.set_by("department"); });
  REQUIRE_OK(groups);
  REQUIRE(ColumnText(groups->front(), "system_failures") == "1");
  REQUIRE(ColumnText(groups->front(), "lost_min") == "10");
  REQUIRE(ColumnText(TableNamed(*groups, "system_failures"), "kind") == "gpu reset hung task");
}

TEST_CASE("crashes: rates and minutes have the same days above and below the line") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  ScoreValues provisional;
  provisional.provisional = true;
  store.AddScore(anna, 1, 60);
  store.AddScore(anna, 2, 60, provisional);
  store.AddEvent(anna, 1, Crash("mailer", "7.3"));
  store.AddEvent(anna, 2, Crash("mailer", "7.3", 8));
  const auto tables = store.Ask("crashes");
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(NumberAt(table, 0, "crashes") == 10);
  REQUIRE(NumberAt(table, 0, "crashes_per_day") == 1);
  REQUIRE(NumberAt(table, 0, "lost_min") == 2);
  REQUIRE(NumberAt(table, 0, "lost_min_per_day") == 2);
}

TEST_CASE("crashes: each day's crashes cost what its own model says") {
  QueryStore store;
  store.AddModel("candor-2", 5, "app_crash_s = 120", "app_crash_s = 300");
  const int64_t anna = store.AddDevice("anna");
  ScoreValues second;
  second.model = "candor-2";
  store.AddScore(anna, 9, 60);
  store.AddScore(anna, 1, 60, second);
  store.AddEvent(anna, 9, Crash("mailer", "7.3"));
  store.AddEvent(anna, 1, Crash("mailer", "7.3"));
  const auto tables = store.Ask("crashes");
  REQUIRE_OK(tables);
  REQUIRE(NumberAt(tables->front(), 0, "lost_min") == 2 + 5);
}

TEST_CASE("crashes: services keep their names as they are written") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  v1::Event failed;
  failed.mutable_unit_failure()->set_unit("NetworkManager.service");
  failed.mutable_unit_failure()->set_result("exit_code");
  store.AddEvent(anna, 1, failed);
  const auto tables = store.Ask("crashes");
  REQUIRE_OK(tables);
  REQUIRE(TextAt(TableNamed(*tables, "unit_failures"), 0, "unit") == "NetworkManager.service");
}

TEST_CASE("network: histograms of a group merge exactly, shares come from sums") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"location", "Lyon"}});
  const int64_t bert = store.AddDevice("bert", {{"location", "Lyon"}});
  const int64_t cleo = store.AddDevice("cleo", {{"location", "Porto"}});
  FactAccumulator first = ActiveMinute();
  AddValues(first, metric::kRtt, "mail", {20'000, 20'000, 20'000});
  AddSum(first, metric::kSegmentsSent, "", 900);
  AddSum(first, metric::kSegmentsRetransmitted, "", 9);
  AddSum(first, metric::kOfflineSeconds, "", 30);
  AddSum(first, metric::kOnlineSeconds, "", 30);
  AddSum(first, metric::kProbes, "mail", 10);
  AddSum(first, metric::kProbeFailures, "mail", 5);
  store.AddFacts(anna, 1, std::move(first));
  FactAccumulator second = ActiveMinute();
  AddValues(second, metric::kRtt, "mail", {400'000});
  AddSum(second, metric::kSegmentsSent, "", 100);
  AddSum(second, metric::kOnlineSeconds, "", 60);
  store.AddFacts(bert, 1, std::move(second));
  FactAccumulator third = ActiveMinute();
  AddValues(third, metric::kRtt, "calls", {50'000});
  // Nobody was there: it does not count.
  AddValues(third, metric::kRtt, "calls", {5'000'000}, ActivityState::kInactive);
  store.AddFacts(cleo, 1, std::move(third));

  store.AddScore(anna, 1, 50, Lost(20, "offline"));
  store.AddScore(cleo, 1, 90, Lost(1, "offline"));
  const auto sites = store.Ask("network");
  REQUIRE_OK(sites);
  const Table& table = sites->front();
  REQUIRE(ColumnText(table, "location") == "Lyon Porto");
  REQUIRE(NumberAt(table, 0, "rtt_ms_p50") == Approx(20).epsilon(0.011));
  REQUIRE(NumberAt(table, 0, "rtt_ms_p99") == Approx(400).epsilon(0.011));
  REQUIRE(NumberAt(table, 0, "loss_pct") == Approx(0.9));
  REQUIRE(NumberAt(table, 0, "offline_pct") == Approx(25));
  REQUIRE(NumberAt(table, 1, "rtt_ms_p99") == Approx(50).epsilon(0.011));
  REQUIRE(IsEmpty(At(table, 1, "loss_pct")));
  REQUIRE(NumberAt(table, 0, "devices") == 2);

  const auto services = store.Ask("network", [](v1::QueryRequest& r) { r.set_by("service"); });
  REQUIRE_OK(services);
  REQUIRE(ColumnText(services->front(), "service") == "mail calls");
  REQUIRE(NumberAt(services->front(), 0, "probe_failures_pct") == 50);
}

TEST_CASE("health: stalls against watched time, disk and battery from the scores") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {}, {{"model", "Stalls"}});
  const int64_t bert = store.AddDevice("bert", {}, {{"model", "Runs"}});
  FactAccumulator facts = ActiveMinute();
  AddSum(facts, metric::kIoStall, "", 15'000);
  AddSum(facts, metric::kMemoryStall, "", 3'000);
  AddSum(facts, metric::kWatched, std::string(watch::kPressure), 60'000);
  AddValues(facts, metric::kDiskRead, "", {250, 250, 250, 250});
  AddValues(facts, metric::kDiskWrite, "", {12'000});
  store.AddFacts(anna, 1, std::move(facts));
  store.AddFacts(bert, 1, ActiveMinute());
  ScoreValues values = Lost(20, "stall");
  values.metrics = {{"disk_free_gib", 4, 20, 3}, {"battery_pct", 81, 100, 0}};
  store.AddScore(anna, 1, 50, values);
  store.AddScore(bert, 1, 90);
  const auto tables = store.Ask("health");
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(ColumnText(table, "model") == "Stalls Runs");
  REQUIRE(NumberAt(table, 0, "stall_pct") == Approx(25));
  REQUIRE(NumberAt(table, 0, "memory_stall_pct") == Approx(5));
  REQUIRE(NumberAt(table, 0, "disk_free_gib") == 4);
  REQUIRE(NumberAt(table, 0, "disk_read_ms_p75") == Approx(0.25));
  REQUIRE(NumberAt(table, 0, "disk_write_ms_p75") == Approx(12));
  REQUIRE(IsEmpty(At(table, 1, "disk_read_ms_p75")));
  REQUIRE(NumberAt(table, 0, "lost_min_per_day") == 20);
  REQUIRE(IsEmpty(At(table, 1, "stall_pct")));
  REQUIRE(IsEmpty(At(table, 1, "battery_pct")));
}

TEST_CASE("health: a filter over devices holds for what stands beside the facts, too") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}}, {{"model", "Corva 11"}});
  const int64_t bert = store.AddDevice("bert", {{"department", "Legal"}}, {{"model", "Corva 11"}});
  ScoreValues full;
  full.metrics = {{"disk_free_gib", 4, 20, 3}, {"battery_pct", 30, 10, 3}};
  ScoreValues roomy;
  roomy.metrics = {{"disk_free_gib", 40, 100, 0}, {"battery_pct", 90, 100, 0}};
  store.AddScore(anna, 1, 50, full);
  store.AddScore(bert, 1, 90, roomy);
  store.AddFacts(anna, 1, ActiveMinute());
  store.AddFacts(bert, 1, ActiveMinute());
  const auto tables =
      store.Ask("health", [](v1::QueryRequest& r) { r.set_where("department = Legal"); });
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(NumberAt(table, 0, "devices") == 1);
  REQUIRE(NumberAt(table, 0, "disk_free_gib") == 40);
  REQUIRE(NumberAt(table, 0, "disk_free_gib_min") == 40);
  REQUIRE(NumberAt(table, 0, "battery_pct_min") == 90);
}

TEST_CASE("inventory: what is out there, what went silent, what is not measured and why") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {}, {{"os", "Debian 12"}, {"package.mail", "7.3"}});
  store.AddDevice("bert", {}, {{"os", "Debian 12"}, {"package.mail", "7.2"}});
  store.AddDevice("cleo", {}, {{"os", "Debian 13"}});
  store.Execute("UPDATE device SET last_seen_ms = last_seen_ms - 9 * 86400000 WHERE no = 3");
  v1::Unmeasured unmeasured;
  unmeasured.add_items()->set_metric(metric::kBatteryHealth);
  unmeasured.mutable_items(0)->set_reason("no battery");
  store.SetUnmeasured(anna, unmeasured);
  const auto tables = store.Ask("inventory");
  REQUIRE_OK(tables);
  REQUIRE(ColumnText(tables->front(), "devices") == "2 1");
  REQUIRE(ColumnText(TableNamed(*tables, "silent"), "host") == "cleo");
  REQUIRE(ColumnText(TableNamed(*tables, "unmeasured"), "metric") == "battery_pct");
  const auto packages = store.Ask("inventory", [](v1::QueryRequest& r) { r.set_by("package"); });
  REQUIRE_OK(packages);
  REQUIRE(ColumnText(packages->front(), "version") == "7.2 7.3");
}

}  // namespace
}  // namespace candor
