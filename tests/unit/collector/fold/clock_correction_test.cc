#include "collector/fold/clock_correction.h"

#include "common/time_units.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kNoon = 20'514 * kMsPerDay + 12 * kMsPerHour;

Minute At(int64_t wall_ms, int64_t boottime_s, const std::string& boot = "boot") {
  Minute minute;
  minute.wall_min = wall_ms / kMsPerMinute;
  minute.boottime_s = boottime_s;
  minute.boot_id = boot;
  return minute;
}

TEST_CASE("skew counts from two minutes on, in whole minutes") {
  const auto [skew, expected] = GENERATE(table<int64_t, int64_t>({
      {0, 0},
      {3, 0},
      {-119'999, 0},
      {119'999, 0},
      {120'000, 120'000},
      {149'999, 120'000},
      {150'000, 180'000},
      {-120'000, -120'000},
      {-170'000, -180'000},
      {36'000'321, 36'000'000},
      {-36'000'321, -36'000'000},
  }));
  CHECK(BatchSkewMs(skew, kNoon - 24 * kMsPerHour, kNoon) == expected);
}

TEST_CASE("a batch cannot have been sealed after it was received") {
  // The clock ran ten hours ahead while the batch was sealed and was right again at the hello.
  CHECK(BatchSkewMs(0, kNoon + 10 * kMsPerHour, kNoon) == 10 * kMsPerHour);
  // Ahead at both times.
  CHECK(BatchSkewMs(10 * kMsPerHour, kNoon + 10 * kMsPerHour, kNoon + 1'000) == 10 * kMsPerHour);
  // A batch that waited for a week is no sign of anything.
  CHECK(BatchSkewMs(0, kNoon - 7 * 24 * kMsPerHour, kNoon) == 0);
}

TEST_CASE("nothing a laptop claims overflows") {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  CHECK(BatchSkewMs(kMax, kMax, 0) > 0);
  CHECK(BatchSkewMs(kMin, kMin, kMax) < 0);
  CHECK(BatchSkewMs(kMin, kMax, kMin) > 0);
}

TEST_CASE("a clock set while the batch was open moves what came before onto the later clock") {
  // Three minutes ten hours behind, then the clock is set right.
  const std::vector<Minute> minutes = {
      At(kNoon - 10 * kMsPerHour, 600), At(kNoon - 10 * kMsPerHour + kMsPerMinute, 660),
      At(kNoon - 10 * kMsPerHour + 2 * kMsPerMinute, 720), At(kNoon + 3 * kMsPerMinute, 780)};
  const ClockCorrection clock(minutes, 0);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(clock.MinuteMs(i) == kNoon + static_cast<int64_t>(i) * kMsPerMinute);
  }
  CHECK(clock.EventMs(kNoon - 10 * kMsPerHour + kMsPerMinute + 500, "boot") ==
        kNoon + kMsPerMinute + 500);
  CHECK(clock.EventMs(kNoon + 3 * kMsPerMinute + 500, "boot") == kNoon + 3 * kMsPerMinute + 500);
  // An event of a minute that is not in the batch stays where it is.
  CHECK(clock.EventMs(kNoon - 20 * kMsPerHour, "boot") == kNoon - 20 * kMsPerHour);
}

TEST_CASE("a clock set wrong while the batch was open is put right by the skew") {
  // Right at first, then a day ahead; so the hello showed a day of skew.
  const std::vector<Minute> minutes = {At(kNoon, 600),
                                       At(kNoon + 24 * kMsPerHour + kMsPerMinute, 660)};
  const ClockCorrection clock(minutes, 24 * kMsPerHour);
  CHECK(clock.MinuteMs(0) == kNoon);
  CHECK(clock.MinuteMs(1) == kNoon + kMsPerMinute);
}

TEST_CASE("each boot has its own clock, and drift is no jump") {
  const std::vector<Minute> minutes = {
      At(kNoon, 90'000, "first"), At(kNoon + kMsPerMinute, 90'061, "first"),
      At(kNoon + 5 * kMsPerMinute, 20, "second"), At(kNoon + 6 * kMsPerMinute, 81, "second")};
  const ClockCorrection clock(minutes, 0);
  for (size_t i = 0; i < minutes.size(); ++i) {
    CHECK(clock.MinuteMs(i) == minutes[i].wall_min * kMsPerMinute);
  }
}

TEST_CASE("local hours and days, east, west and before 1970") {
  CHECK(LocalHour(0, 0) == 0);
  CHECK(LocalHour(kMsPerHour - 1, 0) == 0);
  CHECK(LocalHour(kMsPerHour - 1, 1) == 1);
  CHECK(LocalHour(0, -1) == -1);
  CHECK(DayOfHour(0) == 0);
  CHECK(DayOfHour(23) == 0);
  CHECK(DayOfHour(24) == 1);
  CHECK(DayOfHour(-1) == -1);
  CHECK(DayOfHour(-24) == -1);
  CHECK(DayOfHour(-25) == -2);
  // 23:30 UTC is the next day in Kathmandu.
  CHECK(DayOfHour(LocalHour(kNoon + 11 * kMsPerHour + kMsPerHour / 2, 345)) == 20'515);
}

}  // namespace
}  // namespace candor
