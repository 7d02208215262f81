// Which days a question is about: --from, --to and --against, in one place. Days are the devices'
// own local days; both ends belong to the period.
//
//   --from 28d            the last 28 days, today included
//   --from 2026-11-01     from that day on
//   --to 7d               up to the day seven days ago (so `--from 14d --to 7d` is a week)
//   --against previous    as many days just before
//   --against 28d         the same days 28 days earlier
//   --against 2026-10-01..2026-10-07, or one day: yesterday, 2026-10-01
//
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

struct Period {
  int64_t from_day = 0;
  int64_t to_day = 0;

  int64_t days() const { return to_day - from_day + 1; }
  bool operator==(const Period&) const = default;
};

constexpr int kDefaultPeriodDays = 28;

// Without `to` the period ends with today wherever on Earth it is latest; without `from` it begins
// `default_days` before the end's day (today in UTC counts as the end). InvalidArgument names the
// flag.
absl::StatusOr<Period> ParsePeriod(std::string_view from, std::string_view to, int64_t now_ms,
                                   int default_days = kDefaultPeriodDays);

// `period` is what it is compared with.
absl::StatusOr<Period> ParseAgainst(std::string_view against, const Period& period, int64_t now_ms);

// "2026-10-26 to 2026-11-22", and how many days those are: "28 days".
std::string FormatPeriod(const Period& period, int64_t now_ms);
std::string FormatDays(const Period& period, int64_t now_ms);

}  // namespace candor
