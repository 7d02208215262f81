#include "collector/query/bootstrap.h"

#include <cmath>
#include <vector>

#include "common/random.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

std::vector<BootstrapUnit> Normalish(size_t devices, double mean, double spread, uint64_t seed) {
  SeededRandom random(seed);
  std::vector<BootstrapUnit> units;
  for (size_t i = 0; i < devices; ++i) {
    double sum = 0;
    for (int j = 0; j < 12; ++j) sum += random.Unit();
    units.push_back({20 * (mean + spread * (sum - 6)), 20});
  }
  return units;
}

TEST_CASE("There is an interval from ten devices on") {
  REQUIRE_FALSE(BootstrapInterval(Normalish(9, 80, 5, 1)));
  REQUIRE(BootstrapInterval(Normalish(10, 80, 5, 1)));
}

TEST_CASE("The same input has the same interval") {
  const auto a = BootstrapInterval(Normalish(50, 80, 5, 7));
  const auto b = BootstrapInterval(Normalish(50, 80, 5, 7));
  REQUIRE(a->low == b->low);
  REQUIRE(a->high == b->high);
}

TEST_CASE("An interval is as wide as theory says: 1.96 standard errors either way") {
  const size_t devices = GENERATE(size_t{100}, size_t{400}, size_t{20'000});
  const auto interval = BootstrapInterval(Normalish(devices, 80, 5, 3));
  const double half = 1.96 * 5 / std::sqrt(static_cast<double>(devices));
  REQUIRE((interval->high - interval->low) / 2 == Approx(half).epsilon(0.2));
  REQUIRE((interval->high + interval->low) / 2 == Approx(80).margin(2 * half));
}

TEST_CASE("Devices with more days weigh more, and equal devices leave no doubt") {
  std::vector<BootstrapUnit> units(12, BootstrapUnit{300, 4});
  const auto interval = BootstrapInterval(units);
  REQUIRE(interval->low == 75);
  REQUIRE(interval->high == 75);
}

}  // namespace
}  // namespace candor
