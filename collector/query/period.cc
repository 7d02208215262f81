#include "collector/query/period.h"

#include <algorithm>

#include "collector/query/text.h"
#include "common/status.h"
#include "common/time_text.h"
#include "common/time_units.h"

namespace candor {
namespace {

// The furthest time zone ahead of UTC: there, today may already be tomorrow.
constexpr int kOffsetMinMax = 14 * 60;

// An age in whole days: "7d", "2w".
bool IsAge(std::string_view text) { return ParseDurationMs(text).ok(); }

int64_t AgeDays(std::string_view text) {
  return (*ParseDurationMs(text) + kMsPerDay - 1) / kMsPerDay;
}

absl::StatusOr<int64_t> ParseDayOf(std::string_view text, int64_t now_ms, std::string_view flag) {
  const absl::StatusOr<int64_t> moment = ParseMoment(text, now_ms);
  if (!moment.ok()) return Prefix(moment.status(), flag);
  return LocalDay(*moment, 0);
}

absl::Status CheckOrder(const Period& period, std::string_view flag) {
  if (period.from_day <= period.to_day) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Concat(flag, ": ", FormatDay(period.from_day), " is after ", FormatDay(period.to_day)));
}

}  // namespace

absl::StatusOr<Period> ParsePeriod(std::string_view from, std::string_view to, int64_t now_ms,
                                   int default_days) {
  const int64_t today = LocalDay(now_ms, 0);
  Period period;
  period.to_day = LocalDay(now_ms, kOffsetMinMax);
  int64_t end = today;
  if (!to.empty()) {
    CANDOR_ASSIGN_OR_RETURN(period.to_day, ParseDayOf(to, now_ms, "--to"));
    end = std::min(period.to_day, today);
  }
  if (from.empty()) {
    period.from_day = end - default_days + 1;
  } else if (IsAge(from)) {
    period.from_day = today - std::max<int64_t>(AgeDays(from), 1) + 1;
  } else {
    CANDOR_ASSIGN_OR_RETURN(period.from_day, ParseDayOf(from, now_ms, "--from"));
  }
  CANDOR_RETURN_IF_ERROR(CheckOrder(period, "--from"));
  return period;
}

absl::StatusOr<Period> ParseAgainst(std::string_view against, const Period& period,
                                    int64_t now_ms) {
  Period other;
  if (against == "previous") {
    // Without the day that has only begun in the far east, if it reaches there.
    const int64_t days = std::min(period.to_day, std::max(period.from_day, LocalDay(now_ms, 0))) -
                         period.from_day + 1;
    other = {period.from_day - days, period.from_day - 1};
  } else if (const size_t dots = against.find(".."); dots != std::string_view::npos) {
    CANDOR_ASSIGN_OR_RETURN(other.from_day,
                            ParseDayOf(against.substr(0, dots), now_ms, "--against"));
    CANDOR_ASSIGN_OR_RETURN(other.to_day,
                            ParseDayOf(against.substr(dots + 2), now_ms, "--against"));
  } else if (IsAge(against)) {
    const int64_t days = std::max<int64_t>(AgeDays(against), 1);
    other = {period.from_day - days, period.to_day - days};
  } else {
    absl::StatusOr<int64_t> day = ParseDayOf(against, now_ms, "--against");
    if (!day.ok()) {
      return absl::InvalidArgumentError(
          Concat("--against: '", against,
                 "' is not a period: previous, 28d, 2026-10-01..2026-10-07, yesterday or a date"));
    }
    other = {*day, *day};
  }
  CANDOR_RETURN_IF_ERROR(CheckOrder(other, "--against"));
  return other;
}

namespace {

// The last day that is named: today in UTC where the period ends with today anywhere.
int64_t ShownEnd(const Period& period, int64_t now_ms) {
  return std::max(period.from_day, std::min(period.to_day, LocalDay(now_ms, 0)));
}

}  // namespace

std::string FormatDays(const Period& period, int64_t now_ms) {
  const int64_t days = ShownEnd(period, now_ms) - period.from_day + 1;
  return Concat(days, days == 1 ? " day" : " days");
}

std::string FormatPeriod(const Period& period, int64_t now_ms) {
  const int64_t shown = ShownEnd(period, now_ms);
  if (period.from_day == shown) return FormatDay(shown);
  return Concat(FormatDay(period.from_day), " to ", FormatDay(shown));
}

}  // namespace candor
