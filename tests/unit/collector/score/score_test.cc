#include "collector/score/score.h"

#include <cmath>

#include "common/random.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

std::shared_ptr<const Model> Candor1() {
  return ModelSet::BuiltIn().value().Find(kDefaultModel).value();
}

ScoreFacts Facts(std::initializer_list<std::pair<ScoreMetric, double>> values) {
  ScoreFacts facts;
  facts.active_min = 480;
  for (const auto& [metric, value] : values) facts.values[IndexOf(metric)] = value;
  return facts;
}

// Everything measured, everything at its best.
ScoreFacts BestFacts() {
  return Facts({{ScoreMetric::kBoot, 15},
                {ScoreMetric::kSignIn, 5},
                {ScoreMetric::kResume, 2},
                {ScoreMetric::kAppCrashes, 0},
                {ScoreMetric::kAppHangs, 0},
                {ScoreMetric::kSystemFailures, 0},
                {ScoreMetric::kRtt, 30},
                {ScoreMetric::kLoss, 0},
                {ScoreMetric::kDns, 20},
                {ScoreMetric::kOffline, 0},
                {ScoreMetric::kUiReply, 100},
                {ScoreMetric::kHang, 0},
                {ScoreMetric::kLaunch, 1},
                {ScoreMetric::kStall, 1},
                {ScoreMetric::kCpuWait, 30},
                {ScoreMetric::kDiskFree, 30},
                {ScoreMetric::kBattery, 80},
                {ScoreMetric::kThrottle, 0}});
}

const MetricScore* Find(const Score& score, ScoreMetric metric) {
  for (const MetricScore& one : score.metrics) {
    if (one.metric == metric) return &one;
  }
  return nullptr;
}

ScoreFacts RandomFacts(SeededRandom& random) {
  ScoreFacts facts;
  facts.active_min = static_cast<double>(random.Below(600));
  const double factors[] = {1, 0.9, 0.8};
  facts.coverage_factor = factors[random.Below(3)];
  for (std::optional<double>& value : facts.values) {
    if (random.Below(4) == 0) continue;
    // Small and large alike: both flat ends and every slope of each curve are hit.
    value = std::exp2(random.Unit() * 14 - 4);
    if (random.Below(8) == 0) value = 0;
  }
  return facts;
}

TEST_CASE("points follow the knots: straight between, flat outside") {
  const MetricModel boot = *Candor1()->Find(ScoreMetric::kBoot);
  const auto [value, points] = GENERATE(table<double, double>({{0, 100},
                                                               {15, 100},
                                                               {22.5, 92.5},
                                                               {30, 85},
                                                               {45, 75},
                                                               {60, 65},
                                                               {90, 47.5},
                                                               {120, 30},
                                                               {180, 15},
                                                               {240, 0},
                                                               {1e9, 0}}));
  CHECK(boot.Points(value) == Approx(points).margin(1e-12));
}

TEST_CASE("a curve may rise") {
  const MetricModel disk = *Candor1()->Find(ScoreMetric::kDiskFree);
  CHECK(disk.Points(1) == 0);
  CHECK(disk.Points(3.5) == Approx(15));
  CHECK(disk.Points(22.5) == Approx(85));
  CHECK(disk.Points(500) == 100);
}

TEST_CASE("a perfect day scores 100 and loses nothing") {
  const Score score = ComputeScore(*Candor1(), BestFacts());
  REQUIRE(score.score);
  CHECK(*score.score == 100);
  CHECK(score.coverage == Approx(1));
  CHECK_FALSE(score.provisional);
  CHECK(score.domains.size() == 5);
  CHECK(score.metrics.size() == kScoreMetrics);
  for (const MetricScore& one : score.metrics) CHECK(one.lost == 0);
}

TEST_CASE("losses add up to 100 less the score, for any facts") {
  SeededRandom random(20260214);
  const auto model = Candor1();
  int scored = 0;
  for (int i = 0; i < 5000; ++i) {
    const ScoreFacts facts = RandomFacts(random);
    const Score score = ComputeScore(*model, facts);
    double lost = 0;
    for (const MetricScore& one : score.metrics) {
      REQUIRE(one.lost >= 0);
      lost += one.lost;
    }
    if (!score.score) {
      REQUIRE(lost == 0);
      continue;
    }
    ++scored;
    REQUIRE(*score.score >= 0);
    REQUIRE(*score.score <= 100);
    REQUIRE(std::abs(lost - (100 - *score.score)) <= 1e-9);
    double shares = 0;
    for (const DomainScore& domain : score.domains) shares += domain.share;
    REQUIRE(std::abs(shares - 1) <= 1e-12);
  }
  CHECK(scored > 4000);
}

TEST_CASE("a worse value never raises the score") {
  SeededRandom random(7);
  const auto model = Candor1();
  for (int i = 0; i < 2000; ++i) {
    ScoreFacts facts = RandomFacts(random);
    // The failure rule switches metrics on; that is tested on its own.
    facts.values[IndexOf(ScoreMetric::kOffline)] = std::nullopt;
    const size_t at = random.Below(kScoreMetrics);
    if (!facts.values[at]) continue;
    const Score before = ComputeScore(*model, facts);
    const bool more_is_better =
        at == IndexOf(ScoreMetric::kDiskFree) || at == IndexOf(ScoreMetric::kBattery);
    *facts.values[at] *= more_is_better ? 0.5 : 2;
    const Score after = ComputeScore(*model, facts);
    REQUIRE(before.score.has_value() == after.score.has_value());
    if (before.score) REQUIRE(*after.score <= *before.score + 1e-9);
  }
}

TEST_CASE("a broken domain weighs more than its share") {
  ScoreFacts facts = BestFacts();
  facts.values[IndexOf(ScoreMetric::kDiskFree)] = 0;
  facts.values[IndexOf(ScoreMetric::kBattery)] = 0;
  facts.values[IndexOf(ScoreMetric::kThrottle)] = 100;
  const Score score = ComputeScore(*Candor1(), facts);
  // Health weighs 10 of 100 and has 0 points: √(0.1 × 100²) = 31.6, not 10.
  CHECK(*score.score == Approx(100 - std::sqrt(1000)));
}

TEST_CASE("a domain seen through one metric weighs as one metric") {
  const Score score = ComputeScore(*Candor1(), Facts({{ScoreMetric::kBoot, 240},
                                                      {ScoreMetric::kAppCrashes, 0},
                                                      {ScoreMetric::kAppHangs, 0},
                                                      {ScoreMetric::kSystemFailures, 0},
                                                      {ScoreMetric::kUiReply, 0}}));
  // c: startup 0.35, reliability 1, responsiveness 0.35; V: 3.5, 25, 10.5 of 39.
  REQUIRE(score.domains.size() == 3);
  CHECK(score.coverage == Approx(0.39));
  CHECK(score.domains[0].share == Approx(3.5 / 39));
  CHECK(*score.score == Approx(100 - std::sqrt(3.5 / 39 * 100 * 100)));
}

TEST_CASE("below 0.30 coverage there is no score, at 0.30 there is, whatever the rounding") {
  // 0.25 + 0.10 × 0.40 = 0.29; with the battery 0.32; with the throttle alone 0.28.
  ScoreFacts facts = Facts({{ScoreMetric::kAppCrashes, 0},
                            {ScoreMetric::kAppHangs, 0},
                            {ScoreMetric::kSystemFailures, 0},
                            {ScoreMetric::kDiskFree, 30}});
  const Score without = ComputeScore(*Candor1(), facts);
  CHECK_FALSE(without.score);
  CHECK(without.coverage == Approx(0.29));
  CHECK(without.domains.size() == 2);
  facts.values[IndexOf(ScoreMetric::kBattery)] = 80;
  CHECK(ComputeScore(*Candor1(), facts).score);

  // Network, all of it, and cpu_wait: 0.25 + 0.015; with 0.1 × 0.35: exactly 0.30.
  ScoreFacts edge = Facts({{ScoreMetric::kRtt, 30},
                           {ScoreMetric::kLoss, 0},
                           {ScoreMetric::kDns, 20},
                           {ScoreMetric::kOffline, 0},
                           {ScoreMetric::kCpuWait, 30},
                           {ScoreMetric::kBoot, 15}});
  CHECK(ComputeScore(*Candor1(), edge).score);
}

TEST_CASE("coverage shrinks with the factor, the score does not move") {
  ScoreFacts facts = BestFacts();
  facts.values[IndexOf(ScoreMetric::kRtt)] = 300;
  const Score seen = ComputeScore(*Candor1(), facts);
  facts.coverage_factor = 0.8;
  const Score guessed = ComputeScore(*Candor1(), facts);
  CHECK(guessed.coverage == Approx(0.8));
  CHECK(*guessed.score == *seen.score);
}

TEST_CASE("fewer than 30 active minutes are provisional") {
  ScoreFacts facts = BestFacts();
  facts.active_min = 29.99;
  CHECK(ComputeScore(*Candor1(), facts).provisional);
  facts.active_min = 30;
  CHECK_FALSE(ComputeScore(*Candor1(), facts).provisional);
}

TEST_CASE("what failed is measured") {
  ScoreFacts facts = BestFacts();
  facts.values[IndexOf(ScoreMetric::kRtt)] = std::nullopt;
  facts.values[IndexOf(ScoreMetric::kDns)] = std::nullopt;
  facts.values[IndexOf(ScoreMetric::kUiReply)] = std::nullopt;

  SECTION("offline for 10 per cent or more, what has no value counts 0 points") {
    facts.values[IndexOf(ScoreMetric::kOffline)] = 10;
    const Score score = ComputeScore(*Candor1(), facts);
    const MetricScore* rtt = Find(score, ScoreMetric::kRtt);
    REQUIRE(rtt != nullptr);
    CHECK_FALSE(rtt->value);
    CHECK(rtt->points == 0);
    CHECK(rtt->lost > 0);
    CHECK(Find(score, ScoreMetric::kDns) != nullptr);
    CHECK(Find(score, ScoreMetric::kLoss)->points == 100);
    // Only the network's measures: an unanswered window says nothing about the network.
    CHECK(Find(score, ScoreMetric::kUiReply) == nullptr);
  }
  SECTION("below that they are unmeasured") {
    facts.values[IndexOf(ScoreMetric::kOffline)] = 9.99;
    const Score score = ComputeScore(*Candor1(), facts);
    CHECK(Find(score, ScoreMetric::kRtt) == nullptr);
    CHECK(Find(score, ScoreMetric::kDns) == nullptr);
  }
}

TEST_CASE("nothing measured is no score, not a good one") {
  const Score score = ComputeScore(*Candor1(), ScoreFacts());
  CHECK_FALSE(score.score);
  CHECK(score.coverage == 0);
  CHECK(score.domains.empty());
  CHECK(score.metrics.empty());
}

TEST_CASE("grades") {
  const auto model = Candor1();
  CHECK(GradeOf(*model, 80) == "good");
  CHECK(GradeOf(*model, 79.99) == "fair");
  CHECK(GradeOf(*model, 60) == "fair");
  CHECK(GradeOf(*model, 59.99) == "poor");
}

}  // namespace
}  // namespace candor
