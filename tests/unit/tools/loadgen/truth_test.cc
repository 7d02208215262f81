#include "tools/loadgen/truth.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/batch.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/unit/tools/loadgen/small_fleet.h"
#include "tools/loadgen/catalogue.h"
#include "tools/loadgen/spooler.h"

namespace candor::loadgen {
namespace {

// Counts what really is in the sealed bytes.
struct Counted final : WindowVisitor {
  std::map<uint32_t, uint64_t> windows;
  std::map<uint32_t, int64_t> sums, active_sums;
  std::map<uint32_t, Histogram> active;
  std::map<uint32_t, uint64_t> events;

  void OnWindow(const Minute& minute, uint32_t metric, std::string_view, int64_t sum,
                const Histogram& histogram) override {
    const bool is_active = minute.activity != ActivityState::kInactive;
    ++windows[metric];
    if (FindMetric(metric)->kind == MetricKind::kCounter) {
      sums[metric] += sum;
      if (is_active) active_sums[metric] += sum;
    }
    if (is_active) active[metric].Merge(histogram);
  }
};

void PlayDevice(const FleetPlan& plan, uint32_t index, Figures& figures, Counted& counted) {
  Spooler spooler(plan, index);
  spooler.OnDay([&](const LaptopDay& day) { figures.AddDay(day); });
  SimulatedBatch batch;
  v1::SealedBatch sealed;
  v1::Contents contents;
  while (spooler.Next(batch)) {
    REQUIRE_OK(ParseSealed(batch.sealed, sealed));
    REQUIRE_OK(ParseContents(sealed, contents));
    VisitWindows(contents, counted);
    for (const v1::Event& event : contents.events()) {
      ++counted.events[static_cast<uint32_t>(event.what_case())];
    }
  }
}

TEST_CASE("the truth says what the sealed bytes hold: counts exactly, quantiles within 1.1 %") {
  const FleetPlan plan = testing::SmallFleet(11, 12);
  Figures figures;
  Counted counted;
  for (uint32_t i = 0; i < 6; ++i) PlayDevice(plan, i, figures, counted);

  CHECK(figures.windows == counted.windows);
  CHECK(figures.sums == counted.sums);
  CHECK(figures.active_sums == counted.active_sums);
  CHECK(figures.events == counted.events);
  for (size_t i = 0; i < kTruthMetrics.size(); ++i) {
    INFO(FindMetric(kTruthMetrics[i].metric)->name);
    const Histogram& histogram = counted.active[kTruthMetrics[i].metric];
    REQUIRE(figures.values[i].count() == histogram.count());
    for (const double q : {0.5, 0.75, 0.99}) {
      const auto exact = static_cast<double>(figures.values[i].Quantile(q) * kTruthMetrics[i].grid);
      CHECK(*histogram.Quantile(q) == Approx(exact).epsilon(0.011));
    }
  }
}

TEST_CASE("a grid's quantiles are those of the sorted values") {
  GridCounts grid;
  std::vector<int64_t> values = {5, 1, 9, 9, 2, 7, 7, 7, 3, 40};
  for (const int64_t v : values) grid.Add(v);
  std::sort(values.begin(), values.end());
  CHECK(grid.Quantile(0.5) == values[4]);
  CHECK(grid.Quantile(0.75) == values[7]);
  CHECK(grid.Quantile(0.99) == values[9]);
  GridCounts other;
  other.Add(100, 30);
  grid.Merge(other);
  CHECK(grid.count() == 40);
  CHECK(grid.Quantile(0.25) == 40);
  CHECK(grid.Quantile(0.26) == 100);
}

TEST_CASE("each trouble stands out in the truth itself") {
  const FleetPlan plan = testing::SmallFleet(11, 12);
  Truth truth(plan);
  for (uint32_t i = 0; i < plan.devices; ++i) {
    Figures figures;
    figures.devices = 1;
    Counted ignored;
    PlayDevice(plan, i, figures, ignored);
    truth.Add(MakeProfile(plan, i), figures);
  }
  const auto document = nlohmann::json::parse(truth.Json());
  const auto& groups = document["groups"];

  const double lyon = groups["location"]["Lyon"]["quantiles"]["rtt_ms"]["p75"];
  for (const auto& [site, figures] : groups["location"].items()) {
    if (site != "Lyon") CHECK(figures["quantiles"]["rtt_ms"]["p75"].get<double>() * 2 < lyon);
  }
  const auto stall = [&](const std::string& model) {
    const auto& figures = groups["model"][model];
    return figures["active_sums"]["io_stall_ms"].get<double>() /
           figures["active_minutes"].get<double>();
  };
  for (const auto& [model, figures] : groups["model"].items()) {
    if (model != "Meridian 14 G2") CHECK(stall(model) * 5 < stall("Meridian 14 G2"));
    const double boot_s = figures["scored_boots"]["median_s"];
    if (model == "Corva 11") {
      CHECK(boot_s == Approx(140).epsilon(0.02));
    } else {
      CHECK(boot_s < 40);
    }
  }
  uint64_t troubled = 0, next = 0;
  for (const auto& crash : document["fleet"]["crashes"]) {
    const uint64_t count = crash["count"];
    if (crash["version"] == std::string(kTroubledVersion)) {
      troubled = count;
    } else {
      next = std::max(next, count);
    }
  }
  CHECK(troubled > 2 * next);
  CHECK(document["troubles"].size() == 4);
  CHECK(document["device"].size() == 20);
  CHECK(document["fleet"]["devices"] == 20);
}

}  // namespace
}  // namespace candor::loadgen
