#include "collector/fold/clock_correction.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kNoon = int64_t{20'514} * 86'400'000 + 12 * kHourMs;

Minute At(int64_t wall_ms, int64_t boottime_s, const std::string& boot = "boot") {
  Minute minute;
  minute.wall_min = wall_ms / kMinuteMs;
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
  CHECK(BatchSkewMs(skew, kNoon - 24 * kHourMs, kNoon) == expected);
}

TEST_CASE("a batch cannot have been sealed after it was received") {
  // The clock ran ten hours ahead while the batch was sealed and was right again at the hello.
  CHECK(BatchSkewMs(0, kNoon + 10 * kHourMs, kNoon) == 10 * kHourMs);
  // Ahead at both times.
  CHECK(BatchSkewMs(10 * kHourMs, kNoon + 10 * kHourMs, kNoon + 1'000) == 10 * kHourMs);
  // A batch that waited for a week is no sign of anything.
  CHECK(BatchSkewMs(0, kNoon - 7 * 24 * kHourMs, kNoon) == 0);
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
      At(kNoon - 10 * kHourMs, 600), At(kNoon - 10 * kHourMs + kMinuteMs, 660),
      At(kNoon - 10 * kHourMs + 2 * kMinuteMs, 720), At(kNoon + 3 * kMinuteMs, 780)};
  const ClockCorrection clock(minutes, 0);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(clock.MinuteMs(i) == kNoon + static_cast<int64_t>(i) * kMinuteMs);
  }
  CHECK(clock.EventMs(kNoon - 10 * kHourMs + kMinuteMs + 500, "boot") == kNoon + kMinuteMs + 500);
  CHECK(clock.EventMs(kNoon + 3 * kMinuteMs + 500, "boot") == kNoon + 3 * kMinuteMs + 500);
  // An event of a minute that is not in the batch stays where it is.
  CHECK(clock.EventMs(kNoon - 20 * kHourMs, "boot") == kNoon - 20 * kHourMs);
}

TEST_CASE("a clock set wrong while the batch was open is put right by the skew") {
  // Right at first, then a day ahead; so the hello showed a day of skew.
  const std::vector<Minute> minutes = {At(kNoon, 600), At(kNoon + 24 * kHourMs + kMinuteMs, 660)};
  const ClockCorrection clock(minutes, 24 * kHourMs);
  CHECK(clock.MinuteMs(0) == kNoon);
  CHECK(clock.MinuteMs(1) == kNoon + kMinuteMs);
}

TEST_CASE("each boot has its own clock, and drift is no jump") {
  const std::vector<Minute> minutes = {
      At(kNoon, 90'000, "first"), At(kNoon + kMinuteMs, 90'061, "first"),
      At(kNoon + 5 * kMinuteMs, 20, "second"), At(kNoon + 6 * kMinuteMs, 81, "second")};
  const ClockCorrection clock(minutes, 0);
  for (size_t i = 0; i < minutes.size(); ++i) {
    CHECK(clock.MinuteMs(i) == minutes[i].wall_min * kMinuteMs);
  }
}

TEST_CASE("local hours and days, east, west and before 1970") {
  CHECK(LocalHour(0, 0) == 0);
  CHECK(LocalHour(kHourMs - 1, 0) == 0);
  CHECK(LocalHour(kHourMs - 1, 1) == 1);
  CHECK(LocalHour(0, -1) == -1);
  CHECK(DayOfHour(0) == 0);
  CHECK(DayOfHour(23) == 0);
  CHECK(DayOfHour(24) == 1);
  CHECK(DayOfHour(-1) == -1);
  CHECK(DayOfHour(-24) == -1);
  CHECK(DayOfHour(-25) == -2);
  // 23:30 UTC is the next day in Kathmandu.
  CHECK(DayOfHour(LocalHour(kNoon + 11 * kHourMs + kHourMs / 2, 345)) == 20'515);
}

}  // namespace
}  // namespace candor
