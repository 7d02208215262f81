// Questions about many devices, on a store filled by hand.
#include <algorithm>
#include <cmath>

#include "common/registry.h"
#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the fixture's helpers

v1::Event Crash(const std::string& program, const std::string& version, uint32_t repeats = 0,
                bool owned = true) {
  v1::Event event;
  event.mutable_crash()->set_program(program);
  event.mutable_crash()->set_version(version);
  event.mutable_crash()->set_owned(owned);
  event.mutable_crash()->set_repeats(repeats);
  event.mutable_crash()->set_signal(11);
  return event;
}

v1::Event Boot(double total_s, double passphrase_s = 0, bool updates = false) {
  v1::Event event;
  event.mutable_boot_done()->set_total_us(static_cast<uint64_t>(total_s * 1e6));
  if (passphrase_s > 0) {
    event.mutable_boot_done()->set_passphrase_us(static_cast<uint64_t>(passphrase_s * 1e6));
  }
  event.mutable_boot_done()->set_installed_updates(updates);
  return event;
}

ScoreValues Lost(double minutes, const std::string& cause) {
  ScoreValues values;
  values.lost_min = minutes;
  values.time_lost = {{cause, minutes}};
  return values;
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

TEST_CASE("A filter over groups may choose devices by their own columns") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}}, {{"os", "Debian 12"}});
  const int64_t bert = store.AddDevice("bert", {{"department", "Sales"}}, {{"os", "Fedora 41"}});
  const int64_t cleo = store.AddDevice("cleo", {{"department", "Legal"}}, {{"os", "Debian 12"}});
  store.AddScore(anna, 1, 50);
  store.AddScore(bert, 1, 90);
  store.AddScore(cleo, 1, 95);
  const auto ask = [&](const std::string& where) {
    return store.Ask("score", [&](v1::QueryRequest& r) {
      r.set_by("department");
      r.set_where(where);
    });
  };
  const auto debian = ask("os ~ Debian");
  REQUIRE_OK(debian);
  REQUIRE(ColumnText(debian->front(), "score") == "50 95");
  const auto both = ask("os ~ Debian and score > 60");
  REQUIRE_OK(both);
  REQUIRE(ColumnText(both->front(), "department") == "Legal");
  REQUIRE(MessageOf(ask("os ~ Debian or devices > 1").status()) ==
          "--where: columns of this table and columns of devices can be joined by 'and' only");
  REQUIRE(MessageOf(ask("oss ~ Debian").status()) ==
          "--where: at character 1: no column 'oss' (did you mean os, loss_pct?)");
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

TEST_CASE("An unknown dimension is answered with what there is") {
  QueryStore store;
  store.AddDevice("anna", {{"department", "Sales"}}, {{"os", "Debian 12"}});
  const auto wrong = store.Ask("score", [](v1::QueryRequest& r) { r.set_by("departement"); });
  REQUIRE(MessageOf(wrong.status()) ==
          "--by: no dimension 'departement' (did you mean department?)");
  const auto far = store.Ask("boots", [](v1::QueryRequest& r) { r.set_by("zzzzzzzzz"); });
  REQUIRE(
      MessageOf(far.status()) ==
      "--by: no dimension 'zzzzzzzzz' (there are all, device, host, agent, version, department, "
      "os)");
}

TEST_CASE("Two devices of one name stay two groups") {
  QueryStore store;
  store.AddScore(store.AddDevice("twin"), 1, 50);
  store.AddScore(store.AddDevice("twin"), 1, 90);
  const auto tables = store.Ask("score", [](v1::QueryRequest& r) { r.set_by("device"); });
  REQUIRE_OK(tables);
  REQUIRE(ColumnText(tables->front(), "score") == "50 90");
}

TEST_CASE("A second period stands beside the first with --against") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  store.AddScore(anna, 1, 80);
  store.AddScore(anna, 8, 70);
  const auto tables = store.Ask("score", [](v1::QueryRequest& r) {
    r.set_from("7d");
    r.set_against("previous");
  });
  REQUIRE_OK(tables);
  REQUIRE(NumberAt(tables->front(), 0, "score") == 80);
  REQUIRE(NumberAt(tables->front(), 0, "score_before") == 70);
  REQUIRE(NumberAt(tables->front(), 0, "score_change") == 10);
}

TEST_CASE("Both --where and --sort know the columns that --against adds") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  const int64_t cleo = store.AddDevice("cleo", {{"department", "Legal"}});
  const int64_t dora = store.AddDevice("dora", {{"department", "Board"}});
  for (const auto& [device, days_ago, score, boot_s] :
       std::vector<std::tuple<int64_t, int64_t, double, double>>{{anna, 1, 60, 50},
                                                                 {anna, 8, 70, 20},
                                                                 {cleo, 1, 90, 20},
                                                                 {cleo, 8, 80, 20},
                                                                 {dora, 8, 75, 20}}) {
    ScoreValues values;
    values.metrics = {{"boot_s", boot_s, 80, 1}};
    store.AddScore(device, days_ago, score, values);
  }
  const auto ask = [&](const std::string& view, const std::string& where,
                       const std::string& sort = "") {
    return store.Ask(view, [&](v1::QueryRequest& r) {
      r.set_from("7d");
      r.set_against("previous");
      r.set_where(where);
      r.set_sort(sort);
    });
  };
  const auto worse = ask("score", "score_change < -5");
  REQUIRE_OK(worse);
  REQUIRE(ColumnText(worse->front(), "department") == "Sales");
  const auto gone = ask("score", "comparison = gone");
  REQUIRE_OK(gone);
  REQUIRE(ColumnText(gone->front(), "department") == "Board");
  REQUIRE(NumberAt(gone->front(), 0, "score_before") == 75);
  // A metric is a column as soon as its difference is named.
  const auto slower = ask("devices", "boot_s_change > 10", "-boot_s_change");
  REQUIRE_OK(slower);
  REQUIRE(ColumnText(slower->front(), "host") == "anna");
  REQUIRE(NumberAt(slower->front(), 0, "boot_s_change") == 30);
  REQUIRE(MessageOf(ask("score", "scor_change < 0").status()).find("score_change") !=
          std::string::npos);
}

TEST_CASE("A question with --against compares every table that can be compared") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  store.AddScore(anna, 1, 80, Lost(30, "boot"));
  store.AddScore(anna, 8, 70, Lost(12, "boot"));
  const auto tables = store.Ask("fleet", [](v1::QueryRequest& r) {
    r.set_from("7d");
    r.set_against("previous");
  });
  REQUIRE_OK(tables);
  const Table& lost = TableNamed(*tables, "time_lost");
  REQUIRE(NumberAt(lost, 0, "lost_min") == 30);
  REQUIRE(NumberAt(lost, 0, "lost_min_before") == 12);
  REQUIRE(NumberAt(lost, 0, "lost_min_change") == 18);
}

TEST_CASE("Grouping --by package asks for one package, whose version is a dimension") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {}, {{"package.browser", "118.0"}});
  store.AddScore(anna, 1, 80);
  for (const char* view : {"score", "boots", "crashes", "network", "health"}) {
    INFO(view);
    REQUIRE(MessageOf(store.Ask(view, [](v1::QueryRequest& r) { r.set_by("package"); }).status()) ==
            "--by: a laptop has many packages: name one, as package.NAME (there are "
            "package.browser)");
    REQUIRE_OK(store.Ask(view, [](v1::QueryRequest& r) { r.set_by("package.browser"); }));
  }
  const auto score = store.Ask("score", [](v1::QueryRequest& r) { r.set_by("package.browser"); });
  REQUIRE(ColumnText(score->front(), "package.browser") == "118.0");
  REQUIRE_OK(store.Ask("inventory", [](v1::QueryRequest& r) { r.set_by("package"); }));
}

TEST_CASE("What a view does not take is refused, not ignored") {
  QueryStore store;
  const auto error = [&](const std::string& view,
                         const std::function<void(v1::QueryRequest&)>& with) {
    const auto answer = store.Ask(view, with);
    REQUIRE_FALSE(answer.ok());
    return std::string(MessageOf(answer.status()));
  };
  REQUIRE(error("devices", [](auto& r) { r.set_by("os"); }) == "'devices' takes no --by");
  REQUIRE(error("metrics", [](auto& r) { r.set_from("7d"); }) ==
          "'metrics' takes no --from and --to");
  REQUIRE(error("timeline", [](auto& r) {
            r.set_device("x");
            r.set_against("7d");
          }) == "'timeline' takes no --against");
  REQUIRE(error("device", [](auto&) {}) == "'device' needs a host name or a device id");
  REQUIRE(error("fleet", [](auto& r) { r.set_device("x"); }) == "'fleet' takes no device");
  REQUIRE(error("devises", [](auto&) {}) == "no view 'devises' (did you mean devices, device?)");
  REQUIRE(error("devices", [](auto& r) { r.set_from("900d"); }) ==
          "--from: the period is longer than 800 days");
  REQUIRE(error("devices", [](auto& r) { r.set_by(std::string(2000, 'x')); }) ==
          "--by is longer than 1024 bytes");
}

TEST_CASE("metrics: the whole registry, and filters over it") {
  QueryStore store;
  const auto all = store.Ask("metrics");
  REQUIRE_OK(all);
  REQUIRE(all->front().rows.size() == Metrics().size() + Events().size());
  const auto network =
      store.Ask("metrics", [](v1::QueryRequest& r) { r.set_where("family = crash"); });
  REQUIRE_OK(network);
  REQUIRE(ColumnText(network->front(), "name") == "crash unit_failure system_failure");
}

}  // namespace
}  // namespace candor
