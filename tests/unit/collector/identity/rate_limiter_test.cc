#include "collector/identity/rate_limiter.h"

#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"

namespace candor {
namespace {

TEST_CASE("A key has its burst, then its rate", "[rate]") {
  testing::ManualClock clock;
  RateLimiter limiter({.each = {2, 3}, .all = {100, 100}}, clock);
  for (int i = 0; i < 3; ++i) REQUIRE(limiter.Take("a"));
  REQUIRE_FALSE(limiter.Take("a"));
  REQUIRE_FALSE(limiter.Allows("a"));
  REQUIRE(limiter.Take("b"));
  clock.Advance(500);
  REQUIRE(limiter.Allows("a"));
  REQUIRE(limiter.Take("a"));
  REQUIRE_FALSE(limiter.Take("a"));
  clock.Advance(3'600'000);
  for (int i = 0; i < 3; ++i) REQUIRE(limiter.Take("a"));
  REQUIRE_FALSE(limiter.Take("a"));
}

TEST_CASE("All keys together have theirs, and a refusal costs nothing", "[rate]") {
  testing::ManualClock clock;
  RateLimiter limiter({.each = {1, 2}, .all = {1, 3}}, clock);
  REQUIRE(limiter.Take("a"));
  REQUIRE(limiter.Take("a"));
  for (int i = 0; i < 10; ++i) REQUIRE_FALSE(limiter.Take("a"));
  REQUIRE(limiter.Take("b"));
  REQUIRE_FALSE(limiter.Take("c"));
}

TEST_CASE("However many keys come, memory is bounded and old ones are served", "[rate]") {
  testing::ManualClock clock;
  RateLimiter limiter({.each = {1, 2}, .all = {1e6, 1e6}, .keys_max = 10}, clock);
  int taken = 0;
  for (int i = 0; i < 1'000; ++i) taken += limiter.Take("key" + std::to_string(i)) ? 1 : 0;
  // Ten keys of their own and one shared bucket of two.
  REQUIRE(taken == 12);
  REQUIRE(limiter.Take("key0"));
  clock.Advance(10'000);
  REQUIRE(limiter.Take("another"));
}

}  // namespace
}  // namespace candor
