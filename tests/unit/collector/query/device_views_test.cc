// Questions about one device: what its pages show.
#include <cmath>
#include <set>

#include "collector/query/sql_tables.h"
#include "collector/score/metrics.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the fixture's helpers

v1::Unmeasured UnmeasuredWith(uint32_t metric, uint32_t event, const std::string& reason) {
  v1::Unmeasured unmeasured;
  v1::Unmeasured::Item& item = *unmeasured.add_items();
  item.set_metric(metric);
  item.set_event(event);
  item.set_reason(reason);
  return unmeasured;
}

TEST_CASE("A device is found by host name or id, names that fit several list them") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  store.AddDevice("twin");
  store.AddDevice("twin");
  REQUIRE_OK(AskAbout(store, "device", "anna"));
  REQUIRE_OK(AskAbout(store, "device", store.id(anna)));
  const auto twin = AskAbout(store, "device", "twin");
  REQUIRE(absl::IsFailedPrecondition(twin.status()));
  REQUIRE(MessageOf(twin.status()) ==
          "'twin' names 2 devices, give an id: " + store.id(3) + ", " + store.id(2));
  const auto unknown = AskAbout(store, "device", "annna");
  REQUIRE(absl::IsNotFound(unknown.status()));
  REQUIRE(MessageOf(unknown.status()) == "no device 'annna' (did you mean anna?)");
}

TEST_CASE("A laptop enrolled anew is found by its name, its revoked past by its id") {
  QueryStore store;
  const int64_t old = store.AddDevice("anna");
  const int64_t current = store.AddDevice("anna");
  store.Execute("UPDATE device SET revoked_ms = 1 WHERE no = 1");
  const auto found = AskAbout(store, "device", "anna");
  REQUIRE_OK(found);
  REQUIRE(TextAt(found->front(), 0, "device") == store.id(current));
  const auto past = AskAbout(store, "device", store.id(old));
  REQUIRE_OK(past);
  REQUIRE(TextAt(past->front(), 0, "state") == "revoked");
}

TEST_CASE("explain --against: each metric beside what it was") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  ScoreValues values;
  values.metrics = {{"boot_s", 40, 60, 4}};
  store.AddScore(anna, 1, 70, values);
  values.metrics = {{"boot_s", 20, 95, 1}};
  store.AddScore(anna, 8, 90, values);
  const auto tables = store.Ask("explain", [](v1::QueryRequest& request) {
    request.set_device("anna");
    request.set_from("7d");
    request.set_against("previous");
    request.set_where("value_change > 10");
  });
  REQUIRE_OK(tables);
  REQUIRE(ColumnText(tables->front(), "metric") == "boot_s");
  REQUIRE(NumberAt(tables->front(), 0, "value") == 40);
  REQUIRE(NumberAt(tables->front(), 0, "value_before") == 20);
  REQUIRE(NumberAt(tables->front(), 0, "lost_change") == 3);
}

TEST_CASE("The page says that a laptop's epoch has forked, and what its figures lack") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  const int64_t bert = store.AddDevice("bert");
  store.AddScore(anna, 1, 90);
  store.AddScore(bert, 1, 90);
  store.Execute(
      "INSERT INTO quarantine (device, epoch, seq, hash, received_ms, reason, sealed) VALUES "
      "(1, 7, 12, x'01', 1790000000000, '', x'');"
      "INSERT INTO log (device, epoch, seq, seq_last, kind, hash, received_ms, skew_ms, "
      "sealed_through_day) VALUES (1, 7, 2, 6, 3, x'', 0, 0, 0), (1, 7, 7, 7, 2, x'', 0, 0, 0);"
      "INSERT INTO too_late (device, day, batches, windows, events) VALUES (1, 20000, 3, 35, 1)");
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  REQUIRE(TextAt(tables->front(), 0, "state") ==
          "forked: two laptops with one identity, or a restored disk");
  const Table& losses = TableNamed(*tables, "losses");
  REQUIRE(ColumnText(losses, "what") == "lost late refused quarantined");
  REQUIRE(At(losses, 0, "batches") == Cell(int64_t{5}));
  REQUIRE(TextAt(losses, 1, "why") == "35 windows and 1 events of days that were sealed already");
  const auto sound = AskAbout(store, "device", "bert");
  REQUIRE_OK(sound);
  REQUIRE(TextAt(sound->front(), 0, "state") == "ok");
  REQUIRE(TableNamed(*sound, "losses").rows.empty());
}

TEST_CASE("The page names every entry of the registry: measured, or why not") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  FactAccumulator facts = ActiveMinute();
  AddValues(facts, metric::kRtt, "mail", {20'000});
  AddSum(facts, metric::kWatched, std::string(watch::kJournal), 60'000);
  store.AddFacts(anna, 0, std::move(facts));
  store.SetUnmeasured(anna, UnmeasuredWith(metric::kBatteryHealth, 0, "no battery"));
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  const Table& measured = TableNamed(*tables, "measured");
  const Table& unmeasured = TableNamed(*tables, "unmeasured");
  const std::string named =
      " " + ColumnText(measured, "metric") + " " + ColumnText(unmeasured, "metric") + " ";
  for (const MetricEntry& entry : Metrics()) {
    INFO(entry.name);
    REQUIRE(named.find(" " + std::string(entry.name) + " ") != std::string::npos);
  }
  for (const EventEntry& entry : Events()) {
    INFO(entry.name);
    REQUIRE(named.find(" " + std::string(entry.name) + " ") != std::string::npos);
  }
  for (size_t row = 0; row < measured.rows.size(); ++row) {
    if (TextAt(measured, row, "metric") == "unmeasured") {
      REQUIRE(NumberAt(measured, row, "value") == 1);
    }
  }
  bool reason_found = false;
  for (size_t row = 0; row < unmeasured.rows.size(); ++row) {
    if (TextAt(unmeasured, row, "metric") != "battery_pct") continue;
    reason_found = TextAt(unmeasured, row, "reason") == "no battery";
  }
  REQUIRE(reason_found);
}

TEST_CASE("That nothing crashed is measured only while somebody was looking") {
  const bool watched = GENERATE(true, false);
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  FactAccumulator facts = ActiveMinute();
  if (watched) {
    AddSum(facts, metric::kWatched, std::string(watch::kCoredumps), 60'000);
  } else {
    store.SetUnmeasured(anna, UnmeasuredWith(0, event::kCrash, "the journal cannot be read"));
  }
  store.AddFacts(anna, 0, std::move(facts));
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  const std::string measured = ColumnText(TableNamed(*tables, "measured"), "metric");
  REQUIRE((measured.find("crash") != std::string::npos) == watched);
}

TEST_CASE("A score that is missing says what it lacks, and nothing else") {
  struct Example {
    int64_t days_ago;
    std::optional<double> score;
    double coverage;
    bool provisional;
    const char* state;
  };
  const Example example = GENERATE(values<Example>({
      {0, std::nullopt, 0.274, true, "no score yet: coverage 0.27 of 0.30, 3 of 30 active minutes"},
      {3, std::nullopt, 0.274, true,
       "no score yet: coverage 0.27 of 0.30, under 30 active minutes"},
      {0, std::nullopt, 0.2999, false, "no score yet: coverage 0.29 of 0.30"},
      {0, 81.0, 0.5, true, "provisional: under 30 active minutes"},
      {0, 81.0, 0.5, false, "ok"},
  }));
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  FactAccumulator facts;
  for (int i = 0; i < 3; ++i) facts.Merge(ActiveMinute());
  store.AddFacts(anna, example.days_ago, std::move(facts));
  ScoreValues values;
  values.coverage = example.coverage;
  values.provisional = example.provisional;
  store.AddScore(anna, example.days_ago, example.score, values);
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  REQUIRE(TextAt(tables->front(), 0, "state") == example.state);
  REQUIRE(IsEmpty(At(tables->front(), 0, "score")) == !example.score);
}

TEST_CASE("The page shows the latest day that counts before a provisional one") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  ScoreValues provisional;
  provisional.provisional = true;
  store.AddScore(anna, 0, 10, provisional);
  store.AddScore(anna, 1, 85);
  store.AddScore(anna, 2, 70);
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  REQUIRE(NumberAt(tables->front(), 0, "score") == 85);
  const Table& days = TableNamed(*tables, "days");
  REQUIRE(ColumnText(days, "score") == "10 85 70");
  REQUIRE(ColumnText(days, "active_time") == "under 30 minutes enough enough");
}

TEST_CASE("explain: a row per metric, and the points add up to 100 less the score") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  ScoreValues values;
  values.metrics = {
      {"boot_s", 45, 75, 2.5}, {"rtt_ms", 250, 55, 11.25}, {"dns_ms", std::nullopt, 0, 6.25}};
  store.AddScore(anna, 1, 80, values);
  store.SetUnmeasured(anna, UnmeasuredWith(metric::kUiReply, 0, "no candor-session"));
  const auto tables = AskAbout(store, "explain", "anna");
  REQUIRE_OK(tables);
  const Table& table = tables->front();
  REQUIRE(ColumnText(table, "metric") == "rtt_ms dns_ms boot_s");
  double lost = 0;
  double weight = 0;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    lost += NumberAt(table, row, "lost");
    weight += NumberAt(table, row, "weight_pct");
  }
  REQUIRE(lost == Approx(20));
  REQUIRE(weight == Approx(100));
  REQUIRE(TextAt(table, 2, "curve") == "15→100 30→85 60→65 120→30 240→0");
  REQUIRE(TextAt(table, 1, "unit") == "could not be reached");
  REQUIRE(table.notes[0] ==
          "points lost add up to 20.00 = 100 − 80.00; coverage 0.90; model candor-1");
  const Table& missing = TableNamed(*tables, "not_scored");
  REQUIRE(missing.rows.size() == kScoreMetrics - 3);
  bool reason_found = false;
  for (size_t row = 0; row < missing.rows.size(); ++row) {
    if (TextAt(missing, row, "metric") != "ui_reply_ms") continue;
    reason_found = TextAt(missing, row, "reason") == "no candor-session";
  }
  REQUIRE(reason_found);
}

TEST_CASE("A device's trend breaks where another model scores, and each day names its own") {
  QueryStore store;
  store.AddModel("candor-2", 5);
  const int64_t anna = store.AddDevice("anna");
  ScoreValues second;
  second.model = "candor-2";
  store.AddScore(anna, 9, 60);
  store.AddScore(anna, 1, 80, second);
  const auto tables = AskAbout(store, "device", "anna");
  REQUIRE_OK(tables);
  const Table& page = tables->front();
  const auto& trend = std::get<Series>(At(page, 0, "trend"));
  const auto& before = std::get<Series>(At(page, 0, "trend_before"));
  REQUIRE(trend[trend.size() - 3] == 80);  // a day is open east of here
  REQUIRE(std::isnan(trend[trend.size() - 11]));
  REQUIRE(before[before.size() - 11] == 60);
  REQUIRE(page.notes.front() ==
          "scored from 2026-11-21 on by candor-2: days before are not comparable and stand apart "
          "in trend_before");
  REQUIRE(ColumnText(TableNamed(*tables, "days"), "score_model") == "candor-2 candor-1");
}

TEST_CASE("explain: the day asked for, and a clear word where there is nothing") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  store.AddScore(anna, 1, 80);
  store.AddScore(anna, 2, 60);
  const auto chosen = AskAbout(store, "explain", "anna", FormatDay(kToday - 2));
  REQUIRE_OK(chosen);
  REQUIRE(chosen->front().title == "The score of anna on 2026-11-20: 60.0");
  const auto nothing = AskAbout(store, "explain", "anna", "2026-10-01");
  REQUIRE(MessageOf(nothing.status()) == "nothing to explain: anna has no facts on 2026-10-01");
  const auto wrong = AskAbout(store, "explain", "anna", "someday");
  REQUIRE(absl::IsInvalidArgument(wrong.status()));
  REQUIRE(MessageOf(wrong.status()).starts_with("--day: \"someday\""));
}

TEST_CASE("A question nobody waits for any more ends") {
  QueryStore store;
  for (int i = 0; i < 400; ++i) {
    const int64_t device = store.AddDevice("d" + std::to_string(i));
    for (int ago = 0; ago < 20; ++ago) store.AddScore(device, ago, 80);
  }
  const std::atomic<bool> cancelled = true;
  const auto models = ModelSet::BuiltIn();
  REQUIRE_OK(models);
  v1::QueryRequest request;
  request.set_view("devices");
  const auto answer = AnswerQuestion(
      QuestionParts{
          store.db(), *models, store.clock(), {}, "it-read:tess", {}, {}, &cancelled, true},
      request);
  REQUIRE(absl::IsCancelled(answer.status()));
}

}  // namespace
}  // namespace candor
