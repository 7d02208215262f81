#include "common/time_text.h"

#include "common/time_units.h"
#include "tests/support/catch.h"

namespace candor {
namespace {
constexpr int64_t kNow = 1'795'321'226'000;  // 2026-11-22T04:20:26Z
}

TEST_CASE("times are RFC 3339 in and out") {
  REQUIRE(FormatTime(kNow) == "2026-11-22T04:20:26Z");
  REQUIRE(FormatTime(kNow + 7) == "2026-11-22T04:20:26.007Z");
  REQUIRE(FormatTime(0) == "1970-01-01T00:00:00Z");
  REQUIRE(FormatTime(-1) == "1969-12-31T23:59:59.999Z");
  REQUIRE(*ParseTime("2026-11-22T04:20:26Z") == kNow);
  REQUIRE(*ParseTime("2026-11-22T05:20:26+01:00") == kNow);
  REQUIRE(*ParseTime("2026-11-21T22:50:26.5-05:30") == kNow + 500);
}

TEST_CASE("days count from 1970, leap years included") {
  REQUIRE(FormatDay(0) == "1970-01-01");
  REQUIRE(*ParseDay("2024-02-29") == 19'782);
  REQUIRE(FormatDay(19'782) == "2024-02-29");
  for (int64_t day = -200'000; day < 200'000; day += 37) REQUIRE(*ParseDay(FormatDay(day)) == day);
}

TEST_CASE("what is no time is refused in its own words") {
  const auto text =
      GENERATE(as<std::string>{}, "", "2026", "2026-13-01", "2026-02-29", "2026-11-22T25:00:00Z",
               "2026-11-22T04:20:26", "2026-11-22T04:20:26.Z", "2026-11-22 04:20", "22.11.2026",
               "2026-11-22T04:20:26Zx", "-7d", "7 d");
  INFO(text);
  REQUIRE_FALSE(ParseTime(text).ok());
  REQUIRE_FALSE(ParseMoment(text, kNow).ok());
  REQUIRE(std::string(ParseMoment(text, kNow).status().message()).find('"' + text + '"') == 0);
}

TEST_CASE("moments may be relative") {
  REQUIRE(*ParseMoment("7d", kNow) == kNow - 7 * kMsPerDay);
  REQUIRE(*ParseMoment("90m", kNow) == kNow - 5'400'000);
  REQUIRE(*ParseMoment("now", kNow) == kNow);
  REQUIRE(FormatTime(*ParseMoment("today", kNow)) == "2026-11-22T00:00:00Z");
  REQUIRE(FormatTime(*ParseMoment("yesterday", kNow)) == "2026-11-21T00:00:00Z");
  REQUIRE(FormatTime(*ParseMoment("2026-11-01", kNow)) == "2026-11-01T00:00:00Z");
}

TEST_CASE("durations have a unit") {
  REQUIRE(*ParseDurationMs("1500ms") == 1'500);
  REQUIRE(*ParseDurationMs("1.5s") == 1'500);
  REQUIRE(*ParseDurationMs("15m") == 900'000);
  REQUIRE(*ParseDurationMs("2w") == 14 * kMsPerDay);
  for (const char* bad : {"", "15", "m", "15x", "-5s", "1e99d", "nan s", "infs"}) {
    INFO(bad);
    REQUIRE_FALSE(ParseDurationMs(bad).ok());
  }
}

TEST_CASE("durations and sizes read well") {
  REQUIRE(FormatDuration(350) == "350 ms");
  REQUIRE(FormatDuration(1'940) == "1.9 s");
  REQUIRE(FormatDuration(100'000) == "1 m 40 s");
  REQUIRE(FormatDuration(7'260'000) == "2 h 1 m");
  REQUIRE(FormatDuration(3 * kMsPerDay + 4 * 3'600'000) == "3 d 4 h");
  REQUIRE(FormatBytes(1'023) == "1023 B");
  REQUIRE(FormatBytes(1'468'006) == "1.4 MiB");
}

TEST_CASE("a local day follows the offset, before 1970 too") {
  REQUIRE(LocalDay(0, 0) == 0);
  REQUIRE(LocalDay(0, -60) == -1);
  REQUIRE(LocalDay(23 * 3'600'000, 60) == 1);
}

}  // namespace candor
