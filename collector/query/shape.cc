#include "collector/query/shape.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "collector/query/nearest.h"
#include "collector/query/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr double kCoverageApartMax = 0.10;

bool IsCompared(const Column& column) {
  return !column.key && (column.type == ColumnType::kNumber || column.type == ColumnType::kInteger);
}

// The key cells as text; keys are names, numbers or days, never series.
std::string KeyOf(const Table& table, const Row& row) {
  std::string key;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].key) continue;
    if (const auto number = NumberIn(row[i])) {
      key += Concat(*number);
    } else {
      key += Concat(TextIn(row[i]));
    }
    key.push_back('\0');
  }
  return key;
}

// The cell of a column that a table may lack: what breaks in one period has columns of its own.
const Cell& CellAt(const Table& table, const Row& row, std::string_view column) {
  static const Cell nothing;
  const std::optional<size_t> at = table.Find(column);
  return at ? row[*at] : nothing;
}

bool Comparable(const Table& now, const Row& row, const Table& before, const Row& old) {
  if (TextIn(CellAt(now, row, "score_model")) != TextIn(CellAt(before, old, "score_model"))) {
    return false;
  }
  const auto a = NumberIn(CellAt(now, row, "coverage"));
  const auto b = NumberIn(CellAt(before, old, "coverage"));
  return !a || !b || std::abs(*a - *b) <= kCoverageApartMax;
}

Column BeforeColumn(const Column& column) {
  Column before = column;
  before.name += "_before";
  before.label += " before";
  before.rank = std::max(column.rank, 4);
  return before;
}

Column ChangeColumn(const Column& column) {
  Column change = column;
  change.name += "_change";
  change.label = "change";
  change.style = ColumnStyle::kChange;
  change.rank = column.rank;
  return change;
}

Cell Difference(const Cell& now, const Cell& before) {
  const auto a = NumberIn(now);
  const auto b = NumberIn(before);
  if (!a || !b) return std::monostate{};
  if (std::holds_alternative<int64_t>(now) && std::holds_alternative<int64_t>(before)) {
    return std::get<int64_t>(now) - std::get<int64_t>(before);
  }
  return *a - *b;
}

}  // namespace

void KeepMatching(const Filter& filter, Table& table) {
  std::erase_if(table.rows, [&](const Row& row) { return !filter.Matches(row); });
}

absl::Status SortRows(std::string_view sort, Table& table) {
  if (sort.empty()) return absl::OkStatus();
  const bool descending = sort.front() == '-';
  if (descending) sort.remove_prefix(1);
  const std::optional<size_t> column = table.Find(sort);
  if (!column || table.columns[*column].type == ColumnType::kSeries) {
    std::vector<std::string> names;
    for (const Column& c : table.columns) {
      if (c.type != ColumnType::kSeries) names.push_back(c.name);
    }
    return absl::InvalidArgumentError(
        Concat("--sort: no column '", sort, "'", DidYouMean(sort, names)));
  }
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const Row& a, const Row& b) {
    const Cell& x = a[*column];
    const Cell& y = b[*column];
    if (descending && !IsEmpty(x) && !IsEmpty(y)) return CompareCells(y, x) < 0;
    return CompareCells(x, y) < 0;
  });
  return absl::OkStatus();
}

void RankRows(const std::vector<std::string>& columns, Table& table) {
  // Stable, so that sorting by the least important first leaves the right order.
  for (auto column = columns.rbegin(); column != columns.rend(); ++column) {
    SortRows(*column, table).IgnoreError();
  }
}

void LimitRows(uint32_t limit, Table& table) {
  if (limit == 0 || table.rows.size() <= limit) return;
  table.notes.push_back(Concat(limit, " of ", table.rows.size(), " rows"));
  table.rows.resize(limit);
}

Table CompareTables(Table now, const Table& before, std::string_view now_label,
                    std::string_view before_label) {
  std::map<std::string, const Row*> old_rows;
  for (const Row& row : before.rows) old_rows.emplace(KeyOf(before, row), &row);

  Table out;
  out.name = now.name;
  out.title = now.title;
  out.notes = now.notes;
  out.notes.push_back(Concat(now_label, " against ", before_label));
  out.record = now.record;
  for (const Column& column : now.columns) {
    out.columns.push_back(column);
    if (!IsCompared(column)) continue;
    out.columns.push_back(BeforeColumn(column));
    out.columns.push_back(ChangeColumn(column));
  }
  out.columns.push_back(TextColumn("comparison", "comparison").Rank(3));

  for (Row& row : now.rows) {
    const auto at = old_rows.find(KeyOf(now, row));
    const Row* old = at == old_rows.end() ? nullptr : at->second;
    const bool comparable = old != nullptr && Comparable(now, row, before, *old);
    Row& made = out.rows.emplace_back();
    for (size_t i = 0; i < now.columns.size(); ++i) {
      made.push_back(row[i]);
      if (!IsCompared(now.columns[i])) continue;
      const bool withheld = now.columns[i].style == ColumnStyle::kScore && !comparable;
      const Cell was = old == nullptr ? Cell() : CellAt(before, *old, now.columns[i].name);
      made.push_back(was);
      made.push_back(withheld ? Cell() : Difference(row[i], was));
    }
    made.push_back(std::string(old == nullptr ? "new" : comparable ? "ok" : "not comparable"));
  }
  return out;
}

}  // namespace candor
