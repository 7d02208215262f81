// How figures about one device are rounded.
#include "collector/query/coarse.h"

#include <cmath>

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("Amounts are rounded to 1, 2, 5, 10, …, next to nothing is nothing") {
  const auto [amount, coarse] = GENERATE(table<double, double>({
      {-1, 0},
      {0, 0},
      {0.049, 0},
      {0.05, 0.05},
      {0.9, 1},
      {1, 1},
      {1.44, 1},
      {1.46, 2},
      {3.2, 2},
      {3.3, 5},
      {7.2, 5},
      {7.3, 10},
      {14.4, 10},
      {33, 50},
      {479, 500},
      {960, 1000},
      {1e9, 1e9},
  }));
  INFO(amount);
  REQUIRE(CoarseAmount(amount) == Approx(coarse));
}

TEST_CASE("What is not a number is rounded to nothing") {
  REQUIRE(CoarseAmount(std::nan("")) == 0);
}

TEST_CASE("An amount is at most half again off, and sums are right on average") {
  double exact = 0;
  double coarse = 0;
  for (double decade = 0; decade < 1; decade += 0.0001) {
    const double amount = std::pow(10, 1 + decade);
    // Each size as common as any other: weighed by its inverse.
    exact += 1;
    coarse += CoarseAmount(amount) / amount;
    REQUIRE(CoarseAmount(amount) < amount * 1.55);
    REQUIRE(CoarseAmount(amount) > amount / 1.65);
  }
  REQUIRE(coarse / exact == Approx(1).epsilon(0.01));
}

TEST_CASE("Only causes that are known to tell nothing of working time are counted as they are") {
  for (const char* cause : {"boot", "crash", "system_failure"}) {
    REQUIRE(ShownMinutes(cause, 41) == 41);
  }
  for (const char* cause : {"stall", "offline", "hang", "launch", "signin", "resume", "new", ""}) {
    INFO(cause);
    REQUIRE(ShownMinutes(cause, 41) == 50);
  }
}

}  // namespace
}  // namespace candor
