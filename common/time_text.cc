#include "common/time_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

int64_t FloorDiv(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

struct CivilDay {
  int64_t year;
  unsigned month;
  unsigned day;
};

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days since 1970 to a date and
// back.
CivilDay CivilFromDays(int64_t days) {
  days += 719'468;
  const int64_t era = FloorDiv(days, 146'097);
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  const int64_t year = static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  return {year, month, day_of_year - (153 * shifted + 2) / 5 + 1};
}

int64_t DaysFromCivil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = FloorDiv(year, 400);
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<int64_t>(day_of_era) - 719'468;
}

// Reads fixed-width digits and separators off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool Digits(size_t count, unsigned& out) {
    if (text_.size() < count) return false;
    const std::string_view digits = text_.substr(0, count);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (error != std::errc() || end != digits.data() + digits.size()) return false;
    text_.remove_prefix(count);
    return true;
  }
  bool Skip(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool Peek(char c) const { return !text_.empty() && text_.front() == c; }
  bool done() const { return text_.empty(); }

 private:
  std::string_view text_;
};

unsigned DaysInMonth(int64_t year, unsigned month) {
  const int64_t next =
      month == 12 ? DaysFromCivil(year + 1, 1, 1) : DaysFromCivil(year, month + 1, 1);
  return static_cast<unsigned>(next - DaysFromCivil(year, month, 1));
}

bool ScanDay(Scanner& in, int64_t& day) {
  unsigned year = 0;
  unsigned month = 0;
  unsigned dom = 0;
  if (!in.Digits(4, year) || !in.Skip("-") || !in.Digits(2, month) || !in.Skip("-") ||
      !in.Digits(2, dom)) {
    return false;
  }
  if (month < 1 || month > 12 || dom < 1 || dom > DaysInMonth(year, month)) return false;
  day = DaysFromCivil(year, month, dom);
  return true;
}

bool ScanFraction(Scanner& in, int64_t& ms) {
  if (!in.Skip(".")) return true;
  int64_t scale = 100;
  unsigned digit = 0;
  bool any = false;
  while (in.Digits(1, digit)) {
    ms += static_cast<int64_t>(digit) * scale;
    scale /= 10;
    any = true;
  }
  return any;
}

bool ScanZone(Scanner& in, int64_t& offset_ms) {
  if (in.Skip("Zz")) return true;
  const bool east = in.Peek('+');
  if (!in.Skip("+-")) return false;
  unsigned hours = 0;
  unsigned minutes = 0;
  if (!in.Digits(2, hours) || !in.Skip(":") || !in.Digits(2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  offset_ms = (static_cast<int64_t>(hours) * 60 + minutes) * 60'000 * (east ? 1 : -1);
  return true;
}

absl::Status Wrong(std::string_view text, std::string_view expected) {
  return absl::InvalidArgumentError("\"" + std::string(text) + "\" is not " +
                                    std::string(expected));
}

}  // namespace

std::string FormatDay(int64_t day) {
  const CivilDay civil = CivilFromDays(day);
  char text[40];
  std::snprintf(text, sizeof text, "%04lld-%02u-%02u", static_cast<long long>(civil.year),
                civil.month, civil.day);
  return text;
}

std::string FormatTime(int64_t wall_ms) {
  const int64_t day = FloorDiv(wall_ms, kMsPerDay);
  const int64_t in_day = wall_ms - day * kMsPerDay;
  char text[40];
  const int ms = static_cast<int>(in_day % 1000);
  std::snprintf(text, sizeof text, "T%02d:%02d:%02d", static_cast<int>(in_day / 3'600'000),
                static_cast<int>(in_day / 60'000 % 60), static_cast<int>(in_day / 1000 % 60));
  std::string out = FormatDay(day) + text;
  if (ms != 0) {
    std::snprintf(text, sizeof text, ".%03d", ms);
    out += text;
  }
  return out + "Z";
}

absl::StatusOr<int64_t> ParseDay(std::string_view text) {
  Scanner in(text);
  int64_t day = 0;
  if (!ScanDay(in, day) || !in.done()) return Wrong(text, "a date like 2026-11-22");
  return day;
}

absl::StatusOr<int64_t> ParseTime(std::string_view text) {
  Scanner in(text);
  int64_t day = 0;
  int64_t ms = 0;
  int64_t offset_ms = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  const bool ok = ScanDay(in, day) && in.Skip("Tt ") && in.Digits(2, hour) && in.Skip(":") &&
                  in.Digits(2, minute) && in.Skip(":") && in.Digits(2, second) &&
                  ScanFraction(in, ms) && ScanZone(in, offset_ms) && in.done();
  if (!ok || hour > 23 || minute > 59 || second > 60) {
    return Wrong(text, "a time like 2026-11-22T08:30:00Z");
  }
  const int64_t seconds = static_cast<int64_t>(hour) * 3600 + minute * 60 + second;
  return day * kMsPerDay + seconds * 1000 + ms - offset_ms;
}

absl::StatusOr<int64_t> ParseDurationMs(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  double factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1e3;
  if (unit == "m" || unit == "min") factor = 60e3;
  if (unit == "h") factor = 3600e3;
  if (unit == "d") factor = 86400e3;
  if (unit == "w") factor = 7 * 86400e3;
  const double ms = number * factor;
  constexpr double kLongest = 100.0 * 366 * 86400e3;
  if (error != std::errc() || factor == 0 || !(ms >= 0 && ms <= kLongest)) {
    return Wrong(text, "a duration like 90s, 15m, 12h or 7d");
  }
  return std::llround(ms);
}

absl::StatusOr<int64_t> ParseMoment(std::string_view text, int64_t now_ms) {
  const int64_t today = FloorDiv(now_ms, kMsPerDay) * kMsPerDay;
  if (text == "now") return now_ms;
  if (text == "today") return today;
  if (text == "yesterday") return today - kMsPerDay;
  if (const auto day = ParseDay(text); day.ok()) return *day * kMsPerDay;
  if (const auto time = ParseTime(text); time.ok()) return *time;
  if (const auto age = ParseDurationMs(text); age.ok()) return now_ms - *age;
  return Wrong(text, "a time: 2026-11-22, 2026-11-22T08:30:00Z, 7d, today or yesterday");
}

std::string FormatDuration(int64_t ms) {
  if (ms < 0) return "-" + FormatDuration(-ms);
  char text[48];
  const int64_t seconds = ms / 1000;
  if (ms < 1000) {
    std::snprintf(text, sizeof text, "%d ms", static_cast<int>(ms));
  } else if (seconds < 60) {
    std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(ms - ms % 100) / 1000);
  } else if (seconds < 3600) {
    std::snprintf(text, sizeof text, "%d m %d s", static_cast<int>(seconds / 60),
                  static_cast<int>(seconds % 60));
  } else if (seconds < 86'400) {
    std::snprintf(text, sizeof text, "%d h %d m", static_cast<int>(seconds / 3600),
                  static_cast<int>(seconds / 60 % 60));
  } else {
    std::snprintf(text, sizeof text, "%lld d %d h", static_cast<long long>(seconds / 86'400),
                  static_cast<int>(seconds / 3600 % 24));
  }
  return text;
}

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

int64_t LocalDay(int64_t wall_ms, int utc_offset_min) {
  return FloorDiv(wall_ms + int64_t{utc_offset_min} * 60'000, kMsPerDay);
}

}  // namespace candor
