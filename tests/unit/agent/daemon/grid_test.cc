#include "agent/daemon/daemon.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("ticks lie just behind the lines of the wall clock's grid") {
  constexpr int64_t kMinute = 1'789'998'360'000;
  REQUIRE(MsToGridLine(kMinute, 60) == 60'005);
  REQUIRE(MsToGridLine(kMinute + 5, 60) == 60'000);
  REQUIRE(MsToGridLine(kMinute + 59'999, 60) == 6);
  REQUIRE(MsToGridLine(kMinute + 12'345, 10) == 7'660);
  // Before 1970, and odd periods.
  REQUIRE(MsToGridLine(-1, 10) == 6);
  REQUIRE(MsToGridLine(kMinute + 1, 7) <= 7'005);
}

TEST_CASE("a tick that is a few milliseconds late does not skip a line") {
  for (int64_t late = 0; late < 9'000; late += 250) {
    const int64_t line = 1'789'998'360'000;
    const int64_t next = line + late + MsToGridLine(line + late, 10);
    REQUIRE(next == line + 10'000 + 5);
  }
}

}  // namespace
}  // namespace candor
