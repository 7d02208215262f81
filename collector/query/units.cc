#include "collector/query/units.h"

#include <array>

#include "collector/query/text.h"

namespace candor {
namespace {

struct NamedUnit {
  std::string_view text;  // behind a number
  Unit unit;
};

constexpr double kKib = 1024.0;
constexpr auto kUnits = std::to_array<NamedUnit>({
    {"us", {UnitKind::kTime, 1e-6, "us"}},
    {"ms", {UnitKind::kTime, 1e-3, "ms"}},
    {"s", {UnitKind::kTime, 1, "s"}},
    {"m", {UnitKind::kTime, 60, "min"}},
    {"min", {UnitKind::kTime, 60, "min"}},
    {"h", {UnitKind::kTime, 3600, "h"}},
    {"d", {UnitKind::kTime, 86400, "d"}},
    {"days", {UnitKind::kTime, 86400, "d"}},
    {"b", {UnitKind::kSize, 1, "B"}},
    {"bytes", {UnitKind::kSize, 1, "B"}},
    {"kb", {UnitKind::kSize, 1e3, "kB"}},
    {"mb", {UnitKind::kSize, 1e6, "MB"}},
    {"gb", {UnitKind::kSize, 1e9, "GB"}},
    {"tb", {UnitKind::kSize, 1e12, "TB"}},
    {"kib", {UnitKind::kSize, kKib, "KiB"}},
    {"mib", {UnitKind::kSize, kKib* kKib, "MiB"}},
    {"gib", {UnitKind::kSize, kKib* kKib* kKib, "GiB"}},
    {"tib", {UnitKind::kSize, kKib* kKib* kKib* kKib, "TiB"}},
    {"pct", {UnitKind::kShare, 1, "%"}},
    {"%", {UnitKind::kShare, 1, "%"}},
});

// Last words of column names that are units; "m" alone would be a metre, "b" anything.
constexpr auto kColumnUnits = std::to_array<std::string_view>(
    {"us", "ms", "s", "min", "h", "days", "bytes", "kib", "mib", "gib", "tib", "pct"});

}  // namespace

std::optional<Unit> ParseUnit(std::string_view text) {
  for (const NamedUnit& unit : kUnits) {
    if (EqualsIgnoreCase(unit.text, text)) return unit.unit;
  }
  return std::nullopt;
}

Unit UnitOfColumn(std::string_view column) {
  for (const std::string_view behind : {"_before", "_change"}) {
    if (column.ends_with(behind)) column.remove_suffix(behind.size());
  }
  if (const size_t per = column.find("_per_"); per != std::string_view::npos) {
    column = column.substr(0, per);
  }
  const size_t last = column.rfind('_');
  const std::string_view word = last == std::string_view::npos ? "" : column.substr(last + 1);
  // boot_s_p50 and the like: the unit stands before the quantile.
  if (word.size() > 1 && word[0] == 'p' &&
      word.find_first_not_of("0123456789", 1) == std::string_view::npos) {
    return UnitOfColumn(column.substr(0, last));
  }
  for (const std::string_view unit : kColumnUnits) {
    if (unit == word) return *ParseUnit(word);
  }
  return {};
}

std::string_view ExpectedValue(UnitKind kind) {
  switch (kind) {
    case UnitKind::kTime:
      return "a number or a duration such as 40s";
    case UnitKind::kSize:
      return "a number or a size such as 20GiB";
    case UnitKind::kShare:
      return "a number or a percentage such as 5%";
    case UnitKind::kNone:
      break;
  }
  return "a number";
}

}  // namespace candor
