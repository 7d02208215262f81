// Units that column names and filter values carry. Pure functions, any thread.
#pragma once

#include <optional>
#include <string_view>

namespace candor {

enum class UnitKind { kNone, kTime, kSize, kShare };

struct Unit {
  UnitKind kind = UnitKind::kNone;
  double factor = 1;      // to the kind's base: seconds, bytes, percent
  std::string_view name;  // for people: "s", "GiB", "%"
};

// The unit a column's name ends in, "…_per_day" and the like aside: boot_s, disk_free_gib,
// lost_min_per_day. kNone for a plain number.
Unit UnitOfColumn(std::string_view column);

// The unit written behind a number: us ms s m min h d, B KiB MiB GiB TiB (and kB MB GB TB), %.
std::optional<Unit> ParseUnit(std::string_view text);

// "a duration such as 40s", for errors.
std::string_view ExpectedValue(UnitKind kind);

}  // namespace candor
