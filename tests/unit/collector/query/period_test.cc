// --from, --to and --against as a table of words and days.
#include "collector/query/period.h"

#include <string>

#include "collector/query/text.h"
#include "common/status.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kNoon = 1'795'348'800'000;  // 2026-11-22T12:00:00Z
constexpr int64_t kToday = 20'779;

// First and last day relative to today, or the error.
std::string Text(const absl::StatusOr<Period>& period) {
  if (!period.ok()) return std::string(MessageOf(period.status()));
  return Concat(period->from_day - kToday, "..", period->to_day - kToday);
}

TEST_CASE("A period's words mean these days") {
  struct Example {
    const char* from;
    const char* to;
    const char* days;
  };
  const Example example = GENERATE(values<Example>({
      // At noon UTC it is already tomorrow in the far east.
      {"", "", "-27..1"},
      {"7d", "", "-6..1"},
      {"1d", "", "0..1"},
      {"2w", "", "-13..1"},
      {"12h", "", "0..1"},
      {"14d", "7d", "-13..-7"},
      {"yesterday", "yesterday", "-1..-1"},
      {"2026-11-01", "", "-21..1"},
      {"2026-11-01", "2026-11-07", "-21..-15"},
      {"2026-11-01T23:59:59Z", "", "-21..1"},
      {"", "2026-11-07", "-42..-15"},
      {"", "today", "-27..0"},
  }));
  INFO(example.from << " " << example.to);
  REQUIRE(Text(ParsePeriod(example.from, example.to, kNoon)) == example.days);
}

TEST_CASE("A second period is so much earlier, just before, or given") {
  struct Example {
    const char* against;
    const char* days;
  };
  const Period week{kToday - 6, kToday + 1};
  const Example example = GENERATE(values<Example>({
      {"previous", "-13..-7"},
      {"7d", "-13..-6"},
      {"28d", "-34..-27"},
      {"2026-11-01..2026-11-07", "-21..-15"},
      {"yesterday", "-1..-1"},
      {"2026-11-01", "-21..-21"},
  }));
  INFO(example.against);
  REQUIRE(Text(ParseAgainst(example.against, week, kNoon)) == example.days);
}

TEST_CASE("Words that are no period are named with their flag") {
  const auto error = [](const absl::StatusOr<Period>& period) {
    REQUIRE(absl::IsInvalidArgument(period.status()));
    return std::string(MessageOf(period.status()));
  };
  REQUIRE(error(ParsePeriod("soon", "", kNoon)).starts_with("--from: \"soon\" is not a time"));
  REQUIRE(error(ParsePeriod("", "later", kNoon)).starts_with("--to: \"later\" is not a time"));
  REQUIRE(error(ParsePeriod("2026-11-08", "2026-11-07", kNoon)) ==
          "--from: 2026-11-08 is after 2026-11-07");
  const Period week{kToday - 6, kToday};
  REQUIRE(error(ParseAgainst("whenever", week, kNoon))
              .starts_with("--against: 'whenever' is not a period"));
  REQUIRE(error(ParseAgainst("2026-11-07..2026-11-01", week, kNoon)) ==
          "--against: 2026-11-07 is after 2026-11-01");
}

TEST_CASE("A period is told without the tomorrow of the far east") {
  REQUIRE(FormatPeriod({kToday - 6, kToday + 1}, kNoon) == "2026-11-16 to 2026-11-22");
  REQUIRE(FormatPeriod({kToday, kToday + 1}, kNoon) == "2026-11-22");
  REQUIRE(FormatDays({kToday - 6, kToday + 1}, kNoon) == "7 days");
  REQUIRE(FormatDays({kToday, kToday + 1}, kNoon) == "1 day");
  REQUIRE(FormatDays({kToday - 9, kToday - 8}, kNoon) == "2 days");
  REQUIRE(FormatPeriod({kToday - 9, kToday - 8}, kNoon) == "2026-11-13 to 2026-11-14");
}

}  // namespace
}  // namespace candor
