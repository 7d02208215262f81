#include "agent/spool/age_guard.h"

#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kNow = 1'790'000'000'000;

TEST_CASE("a clock that runs is believed") {
  AgeGuard guard;
  for (int64_t t = 0; t < 10 * kMsPerDay; t += kMsPerDay / 4) {
    REQUIRE(guard.Believe(kNow + t, 1'000 + t));
  }
  REQUIRE(guard.believed_wall_ms() > kNow);
}

TEST_CASE("a clock that jumped is doubted until it was steady for a day") {
  const int64_t jump = GENERATE(10 * 3'600'000, -10 * 3'600'000, 3'650 * kMsPerDay);
  AgeGuard guard;
  REQUIRE(guard.Believe(kNow, 0));
  REQUIRE_FALSE(guard.Believe(kNow + jump, 1'000));
  REQUIRE_FALSE(guard.Believe(kNow + jump + kMsPerDay - 2'000, kMsPerDay - 1'000));
  REQUIRE(guard.believed_wall_ms() == kNow);
  REQUIRE(guard.Believe(kNow + jump + kMsPerDay, kMsPerDay + 1'000));

  SECTION("and a jump back in between starts the day anew") {
    AgeGuard again;
    again.Believe(kNow, 0);
    again.Believe(kNow + jump, 1'000);
    REQUIRE_FALSE(again.Believe(kNow + kMsPerDay / 2, kMsPerDay / 2));
    REQUIRE_FALSE(again.Believe(kNow + kMsPerDay + 5'000, kMsPerDay + 5'000));
    REQUIRE(again.Believe(kNow + 2 * kMsPerDay, 2 * kMsPerDay));
  }
}

TEST_CASE("small corrections by time synchronisation are no jump") {
  AgeGuard guard;
  REQUIRE(guard.Believe(kNow, 0));
  REQUIRE(guard.Believe(kNow + 60'000 + 30 * 60'000, 60'000));
}

TEST_CASE("after a restart the clock is measured against what the last run believed") {
  REQUIRE(AgeGuard(kNow).Believe(kNow + 30 * kMsPerDay, 5));
  REQUIRE_FALSE(AgeGuard(kNow).Believe(kNow + 60 * kMsPerDay, 5));
  REQUIRE_FALSE(AgeGuard(kNow).Believe(kNow - 2 * 3'600'000, 5));
  REQUIRE(AgeGuard(0).Believe(kNow, 5));
}

}  // namespace
}  // namespace candor
