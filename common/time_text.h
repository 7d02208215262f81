// Text of times, days, durations and sizes, both ways. Days are counted since 1970-01-01. Pure
// functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

// RFC 3339 in UTC: 2026-11-22T04:20:26Z, with .123 where there are milliseconds.
std::string FormatTime(int64_t wall_ms);
// 2026-11-22
std::string FormatDay(int64_t day);
absl::StatusOr<int64_t> ParseTime(std::string_view text);
absl::StatusOr<int64_t> ParseDay(std::string_view text);

// A point in time for --from and --to: RFC 3339, a date, "now", "today", "yesterday", or an age
// ("7d", "12h", "30m"). `now_ms` anchors the relative ones. A date means its start in UTC.
absl::StatusOr<int64_t> ParseMoment(std::string_view text, int64_t now_ms);

// "90s", "15m", "12h", "7d", "1500ms" to milliseconds.
absl::StatusOr<int64_t> ParseDurationMs(std::string_view text);

// For people: "1 m 40 s", "350 ms", "3 d 4 h".
std::string FormatDuration(int64_t ms);
// For people: "1.4 MiB".
std::string FormatBytes(uint64_t bytes);

// Local day of a moment: floor((wall_ms + offset) / one day).
int64_t LocalDay(int64_t wall_ms, int utc_offset_min);

}  // namespace candor
