// The answer to a question: a table whose column names carry their units, with typed cells. Views
// make tables, the wire carries them, the command line draws them; nothing else knows their shape.
//
// Plain values, no locks. A cell without a value is std::monostate: unmeasured is absent, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace candor {

enum class ColumnType {
  kText,
  kNumber,
  kInteger,
  kBoolean,
  kTime,    // int64_t, milliseconds since 1970 UTC
  kDay,     // int64_t, days since 1970
  kSeries,  // numbers side by side, NaN where there is none
};

// How a terminal shows a cell's meaning beside its value.
enum class ColumnStyle {
  kPlain,
  kScore,           // 0 to 100: good from 80, fair from 60, poor below
  kChange,          // signed difference
  kStatus,          // a word: "ok" is good, everything else asks for attention
  kPackageVersion,  // text, ordered as versions of packages are (common/deb_version.h)
};

using Series = std::vector<double>;
using Cell = std::variant<std::monostate, std::string, double, int64_t, bool, Series>;
using Row = std::vector<Cell>;

struct Column {
  std::string name;   // unique in its table, unit last: boot_s
  std::string label;  // for people
  ColumnType type = ColumnType::kText;
  int decimals = 1;  // shown to people; JSON and CSV have full precision
  ColumnStyle style = ColumnStyle::kPlain;
  // 0 is never dropped from a narrow terminal; the highest goes first.
  int rank = 0;
  bool hidden = false;  // in JSON and CSV and for filters, not in the drawn table
  bool key = false;     // names the row: rows of two periods are matched by these

  // For tables written as lists of columns.
  Column&& Rank(int value) &&;
  Column&& Hidden() &&;
  Column&& Key() &&;
  Column&& Style(ColumnStyle value) &&;
};

Column TextColumn(std::string name, std::string label);
Column NumberColumn(std::string name, std::string label, int decimals = 1);
Column ScoreColumn(std::string name, std::string label);
Column IntegerColumn(std::string name, std::string label);
Column BooleanColumn(std::string name, std::string label);
Column TimeColumn(std::string name, std::string label);
Column DayColumn(std::string name, std::string label);
Column SeriesColumn(std::string name, std::string label);

struct Table {
  std::string name;
  std::string title;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::vector<std::string> notes;  // said to people under the table, never part of the rows
  bool record = false;             // one row, drawn as lines of label and value

  // Index of a column; nothing when there is none.
  std::optional<size_t> Find(std::string_view column) const;
};

// std::monostate for nothing, the value otherwise.
template <typename T>
Cell ToCell(const std::optional<T>& value) {
  if (!value) return std::monostate{};
  return Cell(*value);
}

bool IsEmpty(const Cell& cell);
// The number in a cell of type number or integer (a boolean counts as 0 or 1).
std::optional<double> NumberIn(const Cell& cell);
// Text of a text cell, "" for anything else.
std::string_view TextIn(const Cell& cell);

// Order for sorting: numbers by value, text naturally (2 before 10), nothing last whatever the
// direction, so that what was not measured never looks best.
int CompareCells(const Cell& a, const Cell& b);
// The same in a column of this style.
int CompareCells(const Cell& a, const Cell& b, ColumnStyle style);
// Digits compare as numbers, everything else byte by byte: "6.1.9" < "6.1.10".
int CompareNaturally(std::string_view a, std::string_view b);

}  // namespace candor
