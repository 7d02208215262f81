#include "collector/fold/facts.h"

#include <algorithm>

#include "collector/fold/fact_view.h"
#include "collector/store/facts.pb.h"
#include "common/random.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

const MetricEntry& Entry(uint32_t number) { return *FindMetric(number); }

Histogram Of(std::initializer_list<int64_t> values) {
  Histogram histogram;
  for (const int64_t value : values) histogram.Add(value);
  return histogram;
}

store::v1::FactSet Decoded(FactAccumulator facts) {
  store::v1::FactSet set;
  REQUIRE(set.ParseFromString(facts.Serialize()));
  return set;
}

// A window of any kind, drawn.
void AddRandomWindow(SeededRandom& random, FactAccumulator& facts) {
  const uint32_t metrics[] = {metric::kRtt, metric::kSegmentsSent, metric::kDiskFree,
                              metric::kProbes, metric::kUiReply};
  const MetricEntry& entry = Entry(metrics[random.Below(5)]);
  const std::string subject = "s" + std::to_string(random.Below(4));
  const auto activity = static_cast<ActivityState>(random.Below(4));
  Histogram histogram;
  const auto value = static_cast<int64_t>(random.Below(uint64_t{1} << random.Below(30)));
  if (entry.kind == MetricKind::kDistribution) histogram.Add(value, 1 + random.Below(9));
  const Stamp stamp{static_cast<int64_t>(random.Below(50)), 1 + random.Below(3),
                    random.Below(100'000)};
  facts.AddWindow(entry, subject, activity, value, histogram, stamp);
  Minute minute;
  minute.activity = activity;
  minute.observed_s = static_cast<uint32_t>(random.Below(61));
  facts.AddMinute(minute);
}

TEST_CASE("facts merge to the same bytes in any order and any grouping") {
  SeededRandom random(4711);
  for (int round = 0; round < 20; ++round) {
    std::vector<FactAccumulator> parts(12);
    for (FactAccumulator& part : parts) {
      for (int i = 0; i < 30; ++i) AddRandomWindow(random, part);
    }
    FactAccumulator in_order;
    for (const FactAccumulator& part : parts) in_order.Merge(part);
    for (size_t i = parts.size(); i > 1; --i) std::swap(parts[i - 1], parts[random.Below(i)]);
    // In pairs, stored and read again in between.
    FactAccumulator in_pairs;
    for (size_t i = 0; i < parts.size(); i += 2) {
      FactAccumulator pair = parts[i];
      pair.Merge(parts[i + 1]);
      const auto stored = FactAccumulator::Parse(pair.Serialize());
      REQUIRE_OK(stored);
      in_pairs.Merge(*stored);
    }
    REQUIRE(in_pairs.Serialize() == in_order.Serialize());
  }
}

TEST_CASE("of a gauge the latest value stays, by time, epoch and seq") {
  const auto latest = [](std::vector<std::pair<Stamp, int64_t>> values) {
    FactAccumulator facts;
    for (const auto& [stamp, value] : values) {
      FactAccumulator one;
      one.AddWindow(Entry(metric::kDiskFree), "", ActivityState::kByInput, value, {}, stamp);
      facts.Merge(one);
    }
    return FactView(Decoded(facts)).LowestGauge(metric::kDiskFree);
  };
  CHECK(latest({{{10, 1, 1}, 100}, {{20, 1, 2}, 50}}) == 50);
  CHECK(latest({{{20, 1, 2}, 50}, {{10, 1, 1}, 100}}) == 50);
  CHECK(latest({{{20, 1, 9}, 7}, {{20, 2, 1}, 8}}) == 8);
  CHECK(latest({{{20, 2, 1}, 8}, {{20, 1, 9}, 7}}) == 8);
  CHECK(latest({{{20, 2, 1}, 8}, {{20, 2, 2}, 0}}) == 0);
}

TEST_CASE("only what is measured while active is kept apart by activity") {
  FactAccumulator facts;
  for (const auto state : {ActivityState::kInactive, ActivityState::kByInput}) {
    facts.AddWindow(Entry(metric::kRtt), "mail", state, 0, Of({5'000}), {1, 1, 1});
    facts.AddWindow(Entry(metric::kProbes), "mail", state, 3, {}, {1, 1, 1});
  }
  const store::v1::FactSet set = Decoded(facts);
  const FactView view(set);
  CHECK(view.Facts(metric::kRtt).size() == 2);
  CHECK(view.Facts(metric::kProbes).size() == 1);
  CHECK(view.Distribution(metric::kRtt, ActivityState::kByInput).count() == 1);
  CHECK(view.Distribution(metric::kRtt, ActivityState::kByLogin).empty());
  CHECK(view.Distribution(metric::kRtt, ActivityState::kInactive).empty());
  CHECK(view.Sum(metric::kProbes, ActivityState::kByLogin) == 6);
  CHECK(view.Sum(metric::kProbes, "mail", ActivityState::kByInput) == 6);
  CHECK(view.Sum(metric::kProbes, "web", ActivityState::kByInput) == 0);
  CHECK(view.Has(metric::kProbes, ActivityState::kInactive));
  CHECK_FALSE(view.Has(metric::kDns, ActivityState::kByInput));
}

TEST_CASE("distributions of several subjects merge exactly") {
  FactAccumulator facts;
  facts.AddWindow(Entry(metric::kRtt), "a", ActivityState::kByInput, 0, Of({1, 2, 3}), {1, 1, 1});
  facts.AddWindow(Entry(metric::kRtt), "b", ActivityState::kByInput, 0, Of({4'000'000, 0}),
                  {1, 1, 1});
  const store::v1::FactSet set = Decoded(facts);
  CHECK(FactView(set).Distribution(metric::kRtt, ActivityState::kByInput) ==
        Of({0, 1, 2, 3, 4'000'000}));
}

TEST_CASE("the best kind of activity seen that day is the one that counts") {
  const auto day = [](std::vector<std::pair<ActivityState, int>> minutes) {
    FactAccumulator facts;
    for (const auto& [state, count] : minutes) {
      for (int i = 0; i < count; ++i) {
        Minute minute;
        minute.activity = state;
        minute.observed_s = 30;
        facts.AddMinute(minute);
      }
    }
    return FactView(Decoded(facts)).Activity();
  };
  const auto input = day({{ActivityState::kByUptime, 500},
                          {ActivityState::kByLogin, 90},
                          {ActivityState::kByInput, 7},
                          {ActivityState::kInactive, 100}});
  CHECK(input.state == ActivityState::kByInput);
  CHECK(input.active_min == 7);
  CHECK(input.observed_ms == 7 * 30'000);
  CHECK(input.coverage_factor == 1);
  const auto login = day({{ActivityState::kByUptime, 500}, {ActivityState::kByLogin, 90}});
  CHECK(login.active_min == 90);
  CHECK(login.coverage_factor == 0.9);
  const auto up = day({{ActivityState::kByUptime, 500}});
  CHECK(up.active_min == 500);
  CHECK(up.coverage_factor == 0.8);
  const auto none = day({{ActivityState::kInactive, 500}});
  CHECK(none.active_min == 0);
  CHECK(none.coverage_factor == 1);
}

TEST_CASE("a laptop cannot make facts grow without end") {
  SeededRandom random(3);
  std::vector<std::string> names;
  for (int i = 0; i < 700; ++i) names.push_back("app-" + std::to_string(i));
  const auto fold = [&] {
    FactAccumulator facts;
    for (const std::string& name : names) {
      FactAccumulator one;
      for (const auto state : {ActivityState::kByInput, ActivityState::kInactive}) {
        one.AddWindow(Entry(metric::kAppIoStall), name, state, 1, {}, {1, 1, 1});
      }
      facts.Merge(one);
      if (random.Below(50) == 0) facts = FactAccumulator::Parse(facts.Serialize()).value();
    }
    return facts.Serialize();
  };
  const std::string once = fold();
  store::v1::FactSet set;
  REQUIRE(set.ParseFromString(once));
  CHECK(set.metrics_size() == 2 * static_cast<int>(FactAccumulator::kSubjectsMax));
  std::reverse(names.begin(), names.end());
  CHECK(fold() == once);
}

TEST_CASE("damaged facts are refused") {
  CHECK(absl::IsDataLoss(FactAccumulator::Parse("\xff\xff").status()));
  store::v1::FactSet set;
  store::v1::Distribution& d = *set.add_metrics()->mutable_distribution();
  d.set_count(3);
  d.set_min(9);
  d.set_max(2);
  CHECK(absl::IsDataLoss(FactAccumulator::Parse(set.SerializeAsString()).status()));
}

}  // namespace
}  // namespace candor
