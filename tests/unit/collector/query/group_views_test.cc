// Scores of many devices: the fleet, its devices, groups side by side.
#include <algorithm>
#include <cmath>

#include "common/registry.h"
#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the fixture's helpers

TEST_CASE("devices: a fork is the device's state until it is settled") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  store.AddScore(anna, 1, 90);
  store.Execute(
      "INSERT INTO quarantine (device, epoch, seq, hash, received_ms, reason, sealed) VALUES (" +
      std::to_string(anna) + ", 7, 12, x'01', 1000, '', x'')");
  const auto tables =
      store.Ask("devices", [](v1::QueryRequest& r) { r.set_where("state = forked"); });
  REQUIRE_OK(tables);
  REQUIRE(ColumnText(tables->front(), "host") == "anna");
}

TEST_CASE("devices: a row per device, worst first, with the contract's columns") {
  QueryStore store;
  const int64_t anna =
      store.AddDevice("anna", {{"department", "Sales"}, {"location", "Lyon"}},
                      {{"model", "Corva 11"}, {"os", "Debian 12"}, {"kernel", "6.1.9"}});
  const int64_t bert = store.AddDevice("bert", {}, {{"model", "Alder"}});
  store.AddDevice("cleo");
  store.AddScore(anna, 1, 90);
  store.AddScore(anna, 2, 80);
  ScoreValues provisional;
  provisional.provisional = true;
  store.AddScore(anna, 3, 10, provisional);
  store.AddScore(bert, 1, 55, Lost(12, "stall"));
  store.AddScore(bert, 40, 5);

  const auto tables = store.Ask("devices");
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  for (const char* column : {"device", "host", "model", "os", "department", "score", "coverage",
                             "last_seen", "lost_min_per_day"}) {
    INFO(column);
    REQUIRE(table.Find(column));
  }
  REQUIRE(ColumnText(table, "host") == "bert anna cleo");
  REQUIRE(ColumnText(table, "score") == "55 85 -");
  REQUIRE(ColumnText(table, "location") == "- Lyon -");
  REQUIRE(NumberAt(table, 0, "lost_min_per_day") == 10);  // 12, as coarsely as of one device
  REQUIRE(TextAt(table, 2, "state") == "no score yet");
  REQUIRE_FALSE(table.Find("kernel"));
  REQUIRE_FALSE(table.Find("boot_s"));
}

TEST_CASE("devices: any metric and any property is a column once it is named") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {}, {{"os", "Debian 12"}, {"kernel", "6.1.9"}});
  const int64_t bert = store.AddDevice("bert", {}, {{"os", "Debian 13"}, {"kernel", "6.1.10"}});
  ScoreValues slow;
  slow.metrics = {{"boot_s", 140, 20, 5}};
  ScoreValues quick;
  quick.metrics = {{"boot_s", 20, 95, 0}};
  store.AddScore(anna, 1, 50, slow);
  store.AddScore(bert, 1, 90, quick);

  const auto kept = store.Ask("devices", [](v1::QueryRequest& request) {
    request.set_where("score < 60 and os ~ \"Debian 12\" and boot_s > 1m and kernel < 6.1.10");
  });
  REQUIRE_OK(kept);
  REQUIRE(ColumnText(kept->front(), "host") == "anna");
  REQUIRE(NumberAt(kept->front(), 0, "boot_s") == 140);
  REQUIRE(TextAt(kept->front(), 0, "kernel") == "6.1.9");

  const auto sorted = store.Ask("devices", [](v1::QueryRequest& r) { r.set_sort("-boot_s"); });
  REQUIRE_OK(sorted);
  REQUIRE(ColumnText(sorted->front(), "boot_s") == "140 20");

  const auto wrong = store.Ask("devices", [](v1::QueryRequest& r) { r.set_where("boots_s > 1"); });
  REQUIRE(MessageOf(wrong.status()) ==
          "--where: at character 1: no column 'boots_s' (did you mean boot_s?)");
}

TEST_CASE("score: groups are the plain mean of their device-days, provisional ones left out") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  const int64_t bert = store.AddDevice("bert", {{"department", "Sales"}});
  const int64_t cleo = store.AddDevice("cleo", {{"department", "Legal"}});
  const int64_t dora = store.AddDevice("dora");
  ScoreValues weak;
  weak.domains = {{"network", 40}, {"startup", 95}};
  ScoreValues sound;
  sound.domains = {{"network", 90}};
  store.AddScore(anna, 1, 60, weak);
  store.AddScore(anna, 2, 70, weak);
  store.AddScore(bert, 1, 95, sound);
  ScoreValues provisional;
  provisional.provisional = true;
  store.AddScore(bert, 2, 0, provisional);
  store.AddScore(cleo, 1, 88);
  store.AddScore(dora, 1, std::nullopt);

  const auto tables = store.Ask("score", [](v1::QueryRequest& r) { r.set_by("department"); });
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(ColumnText(table, "department") == "Sales Legal unknown");
  REQUIRE(ColumnText(table, "score") == "75 88 -");
  REQUIRE(ColumnText(table, "devices") == "2 1 1");
  REQUIRE(ColumnText(table, "device_days") == "3 1 1");
  REQUIRE(NumberAt(table, 0, "weak_devices_pct") == 50);
  REQUIRE(NumberAt(table, 0, "network") == Approx((40 + 40 + 90) / 3.0));
  REQUIRE(IsEmpty(At(table, 0, "score_low")));
}

TEST_CASE("score: from ten devices on there is an interval around the mean") {
  QueryStore store;
  for (int i = 0; i < 12; ++i) {
    store.AddScore(store.AddDevice("d" + std::to_string(i), {{"department", "Sales"}}), 1, 70 + i);
  }
  const auto tables = store.Ask("score");
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(TextAt(table, 0, "department") == "Sales");
  REQUIRE(NumberAt(table, 0, "score_low") < NumberAt(table, 0, "score"));
  REQUIRE(NumberAt(table, 0, "score") < NumberAt(table, 0, "score_high"));
}

TEST_CASE("score: --by app counts a device-day for every application seen on it") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  const int64_t bert = store.AddDevice("bert");
  store.AddScore(anna, 1, 60);
  store.AddScore(bert, 1, 90);
  FactAccumulator facts = ActiveMinute();
  AddSum(facts, metric::kAppCpuStall, "mailer", 100);
  AddSum(facts, metric::kAppCpuStall, "sheets", 100);
  store.AddFacts(anna, 1, std::move(facts));
  store.AddEvent(bert, 1, Crash("sheets", "1"));
  const auto tables = store.Ask("score", [](v1::QueryRequest& r) { r.set_by("app"); });
  REQUIRE_OK(tables);
  REQUIRE(ColumnText(tables->front(), "app") == "mailer sheets");
  REQUIRE(ColumnText(tables->front(), "score") == "60 75");
}

TEST_CASE("fleet: score, roll call, time lost and domains in one look") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  const int64_t bert = store.AddDevice("bert");
  const int64_t cleo = store.AddDevice("cleo");
  store.AddDevice("gone");
  store.Execute("UPDATE device SET last_seen_ms = last_seen_ms - 9 * 86400000 WHERE no = 3");
  store.Execute("UPDATE device SET revoked_ms = 1 WHERE no = 4");
  ScoreValues values = Lost(6, "boot");
  values.domains = {{"network", 50}};
  store.AddScore(anna, 1, 80, values);
  store.AddScore(bert, 1, 90, Lost(2, "crash"));
  store.AddScore(cleo, 9, 70);
  const auto tables = store.Ask("fleet");
  REQUIRE_OK(tables);
  const Table& fleet = TableNamed(*tables, "fleet");
  REQUIRE(fleet.record);
  REQUIRE(NumberAt(fleet, 0, "score") == 80);
  REQUIRE(TextAt(fleet, 0, "grade") == "good");
  REQUIRE(NumberAt(fleet, 0, "devices") == 3);
  REQUIRE(NumberAt(fleet, 0, "reporting") == 2);
  REQUIRE(NumberAt(fleet, 0, "silent") == 1);
  REQUIRE(NumberAt(fleet, 0, "score_change_7d") == 15);
  REQUIRE(NumberAt(fleet, 0, "weak_devices_pct") == 100);
  const Table& lost = TableNamed(*tables, "time_lost");
  REQUIRE(ColumnText(lost, "cause") == "boot crash");
  REQUIRE(NumberAt(lost, 0, "share_pct") == 75);
  REQUIRE(TextAt(TableNamed(*tables, "domains"), 0, "domain") == "network");
}

TEST_CASE("fleet: a filter over devices holds for every figure") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  const int64_t bert = store.AddDevice("bert", {{"department", "Legal"}});
  const int64_t cleo = store.AddDevice("cleo", {{"department", "Sales"}});
  ScoreValues slow = Lost(7, "boot");
  slow.domains = {{"startup", 40}};
  ScoreValues crashed = Lost(10, "crash");
  crashed.domains = {{"reliability", 30}};
  store.AddScore(anna, 1, 60, slow);
  store.AddScore(cleo, 1, 80);
  store.AddScore(bert, 1, 20, crashed);
  const auto tables =
      store.Ask("fleet", [](v1::QueryRequest& r) { r.set_where("department = Sales"); });
  REQUIRE_OK(tables);
  const Table& fleet = TableNamed(*tables, "fleet");
  REQUIRE(NumberAt(fleet, 0, "score") == 70);
  REQUIRE(NumberAt(fleet, 0, "devices") == 2);
  REQUIRE(NumberAt(fleet, 0, "reporting") == 2);
  REQUIRE(NumberAt(fleet, 0, "device_days") == 2);
  const Table& lost = TableNamed(*tables, "time_lost");
  REQUIRE(ColumnText(lost, "cause") == "boot");
  REQUIRE(NumberAt(lost, 0, "lost_min") == 7);
  REQUIRE(NumberAt(lost, 0, "lost_min_per_day") == 3.5);
  const Table& domains = TableNamed(*tables, "domains");
  REQUIRE(TextAt(domains, 0, "domain") == "startup");
  for (size_t row = 1; row < domains.rows.size(); ++row) {
    REQUIRE(NumberAt(domains, row, "devices") == 0);
  }
}

TEST_CASE("fleet: minutes of many devices add up exactly, those of picked ones are rounded") {
  QueryStore store;
  store.AddScore(store.AddDevice("anna"), 1, 80, Lost(41, "stall"));
  store.AddScore(store.AddDevice("bert"), 1, 80, Lost(12, "stall"));
  const auto all = store.Ask("fleet");
  REQUIRE_OK(all);
  REQUIRE(NumberAt(TableNamed(*all, "time_lost"), 0, "lost_min") == 53);
  REQUIRE(NumberAt(all->front(), 0, "lost_min_per_day") == 26.5);
  const auto picked = store.Ask("fleet", [](v1::QueryRequest& r) { r.set_where("host != x"); });
  REQUIRE_OK(picked);
  REQUIRE(NumberAt(TableNamed(*picked, "time_lost"), 0, "lost_min") == 50 + 10);
}

TEST_CASE("Minutes that one device alone lost are rounded in a group of several, too") {
  QueryStore store;
  store.AddScore(store.AddDevice("anna", {{"department", "Sales"}}), 1, 80, Lost(41, "offline"));
  store.AddScore(store.AddDevice("bert", {{"department", "Sales"}}), 1, 80);
  const auto score = store.Ask("score");
  REQUIRE_OK(score);
  REQUIRE(NumberAt(score->front(), 0, "lost_min_per_day") == 25);
  const auto fleet = store.Ask("fleet");
  REQUIRE_OK(fleet);
  REQUIRE(NumberAt(fleet->front(), 0, "lost_min_per_day") == 25);
  REQUIRE(NumberAt(TableNamed(*fleet, "time_lost"), 0, "lost_min") == 50);
}

TEST_CASE("fleet and score: where another model takes over the trend breaks, and says so") {
  QueryStore store;
  store.AddModel("candor-2", 5, "good_from = 80", "good_from = 90");
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  ScoreValues second;
  second.model = "candor-2";
  store.AddScore(anna, 9, 60);
  store.AddScore(anna, 2, 84, second);
  store.AddScore(anna, 1, 86, second);
  const std::string note =
      "scored from 2026-11-20 on by candor-2: days before are not comparable and stand apart in "
      "trend_before";
  for (const char* view : {"fleet", "score", "devices"}) {
    INFO(view);
    const auto tables = store.Ask(view);
    REQUIRE_OK(tables);
    const Table& table = tables->front();
    const auto& trend = std::get<Series>(At(table, 0, "trend"));
    const auto& before = std::get<Series>(At(table, 0, "trend_before"));
    REQUIRE(trend.size() == before.size());
    REQUIRE(std::isnan(trend[trend.size() - 11]));
    REQUIRE(before[trend.size() - 11] == 60);
    REQUIRE(trend[trend.size() - 3] == 86);
    REQUIRE(std::isnan(before[trend.size() - 3]));
    REQUIRE(std::find(table.notes.begin(), table.notes.end(), note) != table.notes.end());
    REQUIRE(TextAt(table, 0, "score_model") == "candor-1, candor-2");
  }
  const auto fleet = store.Ask("fleet", [](v1::QueryRequest& r) { r.set_from("5d"); });
  REQUIRE_OK(fleet);
  REQUIRE(TextAt(fleet->front(), 0, "grade") == "fair");  // 85, by the model of these days
  const auto both = store.Ask("fleet");
  REQUIRE_OK(both);
  REQUIRE(TextAt(both->front(), 0, "change_7d_comparison") == "not comparable");
  REQUIRE(IsEmpty(At(both->front(), 0, "score_change_7d")));
  const auto against = store.Ask("score", [](v1::QueryRequest& r) {
    r.set_from("5d");
    r.set_against("previous");
  });
  REQUIRE_OK(against);
  REQUIRE(TextAt(against->front(), 0, "comparison") == "not comparable");
  REQUIRE(IsEmpty(At(against->front(), 0, "score_change")));
}

TEST_CASE("score: domains are those of the model that scores the last day, then older ones") {
  QueryStore store;
  store.AddModel("candor-2", 5, "name = \"startup\"", "name = \"beginning\"");
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  ScoreValues first;
  first.domains = {{"startup", 40}};
  ScoreValues second;
  second.model = "candor-2";
  second.domains = {{"beginning", 70}};
  store.AddScore(anna, 9, 60, first);
  store.AddScore(anna, 1, 80, second);
  const auto tables = store.Ask("score");
  REQUIRE_OK(tables);
  REQUIRE(NumberAt(tables->front(), 0, "beginning") == 70);
  REQUIRE(NumberAt(tables->front(), 0, "startup") == 40);
  REQUIRE(*tables->front().Find("beginning") < *tables->front().Find("startup"));
}

TEST_CASE("Scores of very different coverage say that they do not compare") {
  QueryStore store;
  ScoreValues whole;
  whole.coverage = 0.92;
  ScoreValues partial;
  partial.coverage = 0.60;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  const int64_t bert = store.AddDevice("bert", {{"department", "Legal"}});
  for (int ago = 1; ago <= 3; ++ago) store.AddScore(anna, ago, 80, whole);
  store.AddScore(bert, 1, 90, partial);
  SECTION("groups side by side") {
    const auto tables = store.Ask("score");
    REQUIRE_OK(tables);
    REQUIRE(ColumnText(tables->front(), "department") == "Sales Legal");
    REQUIRE(TextAt(tables->front(), 0, "side_by_side") == "ok");
    REQUIRE(TextAt(tables->front(), 1, "side_by_side") == "not comparable");
    REQUIRE(tables->front().notes.back() ==
            "not comparable: coverage differs by more than 0.10 from that of all together, 0.84");
  }
  SECTION("the change over seven days") {
    store.AddScore(bert, 9, 50, partial);
    const auto tables = store.Ask("fleet");
    REQUIRE_OK(tables);
    REQUIRE(TextAt(tables->front(), 0, "change_7d_comparison") == "not comparable");
    REQUIRE(IsEmpty(At(tables->front(), 0, "score_change_7d")));
  }
}

TEST_CASE("fleet: an empty store is told as such") {
  QueryStore store;
  const auto tables = store.Ask("fleet");
  REQUIRE_OK(tables);
  REQUIRE(IsEmpty(At(tables->front(), 0, "score")));
  REQUIRE(tables->front().notes.back() == "no device has a day with a score yet");
}

}  // namespace
}  // namespace candor
