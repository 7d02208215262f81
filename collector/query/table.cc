#include "collector/query/table.h"

#include <algorithm>
#include <utility>

#include "common/deb_version.h"

namespace candor {
namespace {

Column MakeColumn(std::string name, std::string label, ColumnType type) {
  Column column;
  column.name = std::move(name);
  column.label = std::move(label);
  column.type = type;
  return column;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

template <typename T>
int Order(const T& a, const T& b) {
  if (a < b) return -1;
  return b < a ? 1 : 0;
}

// The run of digits at `at` without its leading zeros; `at` moves behind it.
std::string_view TakeDigits(std::string_view text, size_t& at) {
  while (at < text.size() && text[at] == '0') ++at;
  const size_t start = at;
  while (at < text.size() && IsDigit(text[at])) ++at;
  return text.substr(start, at - start);
}

}  // namespace

Column&& Column::Rank(int value) && {
  rank = value;
  return std::move(*this);
}
Column&& Column::Hidden() && {
  hidden = true;
  return std::move(*this);
}
Column&& Column::Key() && {
  key = true;
  return std::move(*this);
}
Column&& Column::Style(ColumnStyle value) && {
  style = value;
  return std::move(*this);
}

Column TextColumn(std::string name, std::string label) {
  return MakeColumn(std::move(name), std::move(label), ColumnType::kText);
}
Column NumberColumn(std::string name, std::string label, int decimals) {
  Column column = MakeColumn(std::move(name), std::move(label), ColumnType::kNumber);
  column.decimals = decimals;
  return column;
}
Column ScoreColumn(std::string name, std::string label) {
  return NumberColumn(std::move(name), std::move(label), 1).Style(ColumnStyle::kScore);
}
Column IntegerColumn(std::string name, std::string label) {
  return MakeColumn(std::move(name), std::move(label), ColumnType::kInteger);
}
Column BooleanColumn(std::string name, std::string label) {
  return MakeColumn(std::move(name), std::move(label), ColumnType::kBoolean);
}
Column TimeColumn(std::string name, std::string label) {
  return MakeColumn(std::move(name), std::move(label), ColumnType::kTime);
}
Column DayColumn(std::string name, std::string label) {
  return MakeColumn(std::move(name), std::move(label), ColumnType::kDay);
}
Column SeriesColumn(std::string name, std::string label) {
  return MakeColumn(std::move(name), std::move(label), ColumnType::kSeries);
}

std::optional<size_t> Table::Find(std::string_view column) const {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const Column& c) { return c.name == column; });
  if (at == columns.end()) return std::nullopt;
  return static_cast<size_t>(at - columns.begin());
}

bool IsEmpty(const Cell& cell) { return std::holds_alternative<std::monostate>(cell); }

std::optional<double> NumberIn(const Cell& cell) {
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  if (const auto* integer = std::get_if<int64_t>(&cell)) return static_cast<double>(*integer);
  if (const auto* boolean = std::get_if<bool>(&cell)) return *boolean ? 1.0 : 0.0;
  return std::nullopt;
}

std::string_view TextIn(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

int CompareNaturally(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (IsDigit(a[i]) && IsDigit(b[j])) {
      const std::string_view x = TakeDigits(a, i);
      const std::string_view y = TakeDigits(b, j);
      if (const int by_length = Order(x.size(), y.size())) return by_length;
      if (const int by_digits = x.compare(y)) return by_digits < 0 ? -1 : 1;
      continue;
    }
    if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]) ? -1 : 1;
    }
    ++i;
    ++j;
  }
  return Order(a.size() - i, b.size() - j);
}

int CompareCells(const Cell& a, const Cell& b) {
  if (IsEmpty(a) || IsEmpty(b)) return Order(IsEmpty(a), IsEmpty(b));
  const auto x = NumberIn(a);
  const auto y = NumberIn(b);
  if (x && y) return Order(*x, *y);
  return CompareNaturally(TextIn(a), TextIn(b));
}

int CompareCells(const Cell& a, const Cell& b, ColumnStyle style) {
  if (style != ColumnStyle::kPackageVersion || IsEmpty(a) || IsEmpty(b)) return CompareCells(a, b);
  return CompareDebVersions(TextIn(a), TextIn(b));
}

}  // namespace candor
