// One laptop's Monday, from log row to score, with every figure worked out by hand.
#include <cmath>
#include <map>

#include "common/time_text.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/fold/fold_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the builders are this test's vocabulary

struct Row {
  double value;
  double points;
};

std::map<std::string, Row> Metrics(FoldStore& store) {
  std::map<std::string, Row> rows;
  auto select = store.db().Prepare("SELECT metric, value, points FROM score_metric");
  while (select->Step().value()) {
    rows[std::string(select->Text(0))] = {select->Real(1), select->Real(2)};
  }
  return rows;
}

// An hour's work with nothing at its best.
v1::Contents MondayMorning() {
  BatchBuilder batch;
  for (int i = 0; i < 60; ++i) {
    MinuteBuilder minute(kMonday, 540 + i);
    minute.WatchAll();
    minute.Values(metric::kRtt, {100'000}, i % 2 == 0 ? "mail" : "files");
    minute.Values(metric::kDns, {50'000}, "mail");
    minute.Values(metric::kUiReply, {200'000}).Values(metric::kLaunch, {2'000});
    minute.Sum(metric::kSegmentsSent, 1'000).Sum(metric::kSegmentsRetransmitted, 10);
    minute.Sum(metric::kOnlineSeconds, 60);
    minute.Sum(metric::kMemoryStall, 600).Sum(metric::kIoStall, 3'000);
    minute.Sum(metric::kCpuStall, 36'000).Sum(metric::kThrottled, 3'000);
    minute.Sum(metric::kDiskFree, 15 * 1024 + 59 - i).Sum(metric::kBatteryHealth, 8'000);
    batch.Add(minute);
  }
  batch.Add(kMonday, 530, BootEvent(42, 12)).Add(kMonday, 535, SignInEvent(15'000));
  batch.Add(kMonday, 560, ResumeEvent(5'000));
  batch.Add(kMonday, 531, SystemFailureEvent(v1::SystemFailure::UNCLEAN_SHUTDOWN));
  return batch.Build();
}

TEST_CASE("a device-day worked by hand") {
  FoldStore store;
  store.Insert({}, MondayMorning());
  store.FoldAll();

  const std::map<std::string, Row> expected = {
      {"boot_s", {30, 85}},        {"signin_s", {15, 85}},     {"resume_s", {5, 85}},
      {"app_crashes", {0, 100}},   {"app_hangs", {0, 100}},    {"system_failures", {1, 55}},
      {"rtt_ms", {100, 85}},       {"loss_pct", {1, 75}},      {"dns_ms", {50, 85}},
      {"offline_pct", {0, 100}},   {"ui_reply_ms", {200, 85}}, {"hang_pct", {0, 100}},
      {"launch_s", {2, 90}},       {"stall_pct", {5, 80}},     {"cpu_wait_pct", {60, 80}},
      {"disk_free_gib", {15, 70}}, {"battery_pct", {80, 100}}, {"throttle_pct", {5, 85}},
  };
  const auto metrics = Metrics(store);
  REQUIRE(metrics.size() == expected.size());
  for (const auto& [name, row] : expected) {
    INFO(name);
    REQUIRE(metrics.contains(name));
    CHECK(metrics.at(name).value == Approx(row.value).margin(1e-12));
    CHECK(metrics.at(name).points == Approx(row.points).margin(1e-12));
  }

  // 0.7 × 100 + 0.3 × 55; 0.4 × 85 + 0.25 × 75 + 0.15 × 85 + 0.2 × 100; and so on.
  const auto domain = [&](const std::string& name) {
    return store.Real("SELECT points FROM score_domain WHERE domain = '" + name + "'");
  };
  CHECK(domain("startup") == Approx(85));
  CHECK(domain("reliability") == Approx(86.5));
  CHECK(domain("network") == Approx(85.5));
  CHECK(domain("responsiveness") == Approx(88.75));
  CHECK(domain("health") == Approx(83.5));

  // 0.1 × 15² + 0.25 × 13.5² + 0.25 × 14.5² + 0.3 × 11.25² + 0.1 × 16.5² = 185.81875
  const double score = store.Real("SELECT score FROM score");
  CHECK(score == Approx(100 - std::sqrt(185.81875)).epsilon(1e-12));
  CHECK(store.Real("SELECT coverage FROM score") == Approx(1));
  CHECK(store.Int("SELECT provisional FROM score") == 0);
  CHECK(store.Text("SELECT model FROM score") == "candor-1");
  CHECK(std::abs(store.Real("SELECT sum(lost) FROM score_metric") - (100 - score)) < 1e-9);

  // One failure at ten minutes; 5 per cent of an hour stalled. Nothing else is over its limit.
  CHECK(store.Int("SELECT count(*) FROM time_lost") == 2);
  CHECK(store.Real("SELECT minutes FROM time_lost WHERE cause = 'system_failure'") == 10);
  CHECK(store.Real("SELECT minutes FROM time_lost WHERE cause = 'stall'") == Approx(3));
  CHECK(store.Real("SELECT lost_min FROM score") == Approx(13));
}

TEST_CASE("the day after looks back on it: medians and counts stay, the day's own figures do not") {
  FoldStore store;
  store.Insert({.seq = 1}, MondayMorning());
  BatchBuilder tuesday;
  for (int i = 0; i < 10; ++i) {
    tuesday.Add(MinuteBuilder(kMonday + 1, 600 + i).WatchAll().Sum(metric::kOnlineSeconds, 60));
  }
  tuesday.Add(kMonday + 1, 605, CrashEvent("editor", 1));
  store.Insert({.seq = 2}, tuesday.Build());
  store.FoldAll();
  const auto value = [&](const std::string& metric) {
    return store.Real("SELECT value FROM score_metric WHERE day = 20515 AND metric = '" + metric +
                      "'");
  };
  CHECK(value("boot_s") == Approx(30));
  CHECK(value("system_failures") == 1);
  CHECK(value("app_crashes") == 2);
  CHECK(store.Int("SELECT count(*) FROM score_metric WHERE day = 20515 AND metric = 'rtt_ms'") ==
        0);
  CHECK(store.Int("SELECT provisional FROM score WHERE day = 20515") == 1);
  // Monday was not touched by what Tuesday brought.
  CHECK(store.Real("SELECT value FROM score_metric WHERE day = 20514 AND metric = 'app_crashes'") ==
        0);
}

TEST_CASE("a day is scored by the model that is dated for it") {
  FoldStore store;
  REQUIRE_OK(store.db().Execute("INSERT INTO model_date VALUES (20000, 'candor-1')"));
  store.Insert({}, MondayMorning());
  store.FoldAll();
  CHECK(store.Text("SELECT model FROM score") == "candor-1");
}

}  // namespace
}  // namespace candor
