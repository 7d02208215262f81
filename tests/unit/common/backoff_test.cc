#include "common/backoff.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace candor {

TEST_CASE("delays are spread over the whole of a doubling range up to the cap") {
  SeededRandom random(5);
  for (int failure = 0; failure < 12; ++failure) {
    const int64_t ceiling = std::min<int64_t>(int64_t{1'000} << failure, 300'000);
    int64_t lowest = INT64_MAX;
    int64_t highest = 0;
    for (int device = 0; device < 500; ++device) {
      Backoff backoff(1'000, 300'000, random);
      for (int i = 0; i < failure; ++i) backoff.NextMs();
      const int64_t delay = backoff.NextMs();
      lowest = std::min(lowest, delay);
      highest = std::max(highest, delay);
      REQUIRE(delay >= 0);
      REQUIRE(delay <= ceiling);
    }
    REQUIRE(lowest < ceiling / 10);
    REQUIRE(highest > ceiling / 10 * 9);
  }
}

TEST_CASE("success starts over, and a thousand failures do not overflow") {
  SeededRandom random(6);
  Backoff backoff(1'000, 300'000, random);
  for (int i = 0; i < 1'000; ++i) REQUIRE(backoff.NextMs() <= 300'000);
  REQUIRE(backoff.failures() == 1'000);
  backoff.Reset();
  REQUIRE(backoff.NextMs() <= 1'000);
}

}  // namespace candor
