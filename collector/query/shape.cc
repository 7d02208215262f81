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

Column BeforeColumn(const Column& column) {
  Column before = column;
  before.name += kBeforeSuffix;
  before.label += " before";
  before.rank = std::max(column.rank, 4);
  return before;
}

Column ChangeColumn(const Column& column) {
  Column change = column;
  change.name += kChangeSuffix;
  change.label = "change";
  change.style = ColumnStyle::kChange;
  change.rank = column.rank;
  return change;
}

// The cell of a column that a table may lack.
Cell CellOf(const Table& table, const Row& row, std::string_view column) {
  const std::optional<size_t> at = table.Find(column);
  return at ? row[*at] : Cell();
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
  const ColumnStyle style = table.columns[*column].style;
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const Row& a, const Row& b) {
    const Cell& x = a[*column];
    const Cell& y = b[*column];
    if (descending && !IsEmpty(x) && !IsEmpty(y)) return CompareCells(y, x, style) < 0;
    return CompareCells(x, y, style) < 0;
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

bool CanCompare(const Table& table) {
  bool number = false;
  bool key = false;
  for (const Column& column : table.columns) {
    if (column.key && column.type == ColumnType::kDay) return false;
    key = key || column.key;
    number = number || IsCompared(column);
  }
  return number && (key || table.record);
}

namespace {

// Two tables of one view; their columns may differ by what a period has.
class Comparison {
 public:
  Comparison(const Table& now, const Table& before) : now_(now), before_(before) {
    for (const Column& column : now.columns) before_at_.push_back(before.Find(column.name));
    for (const Row& row : before.rows) old_rows_.emplace(KeyOf(before, row), &row);
  }

  std::vector<Column> Columns() const {
    std::vector<Column> columns;
    for (const Column& column : now_.columns) {
      columns.push_back(column);
      if (!IsCompared(column)) continue;
      columns.push_back(BeforeColumn(column));
      columns.push_back(ChangeColumn(column));
    }
    columns.push_back(TextColumn("comparison", "comparison").Style(ColumnStyle::kStatus).Rank(3));
    return columns;
  }

  // Takes the row's namesake out of those that are gone.
  Row Compare(const Row& row) {
    const auto at = old_rows_.find(KeyOf(now_, row));
    if (at == old_rows_.end()) return Beside(row, nullptr, "new", false);
    const Row* old = at->second;
    old_rows_.erase(at);
    const bool comparable = Comparable(row, *old);
    return Beside(row, old, comparable ? "ok" : "not comparable", !comparable);
  }

  // In the order of the table before.
  std::vector<Row> Gone() const {
    std::vector<Row> gone;
    for (const Row& row : before_.rows) {
      const auto at = old_rows_.find(KeyOf(before_, row));
      if (at == old_rows_.end() || at->second != &row) continue;
      Row names;
      for (size_t i = 0; i < now_.columns.size(); ++i) {
        names.push_back(IsName(now_.columns[i]) ? Old(&row, i) : Cell());
      }
      gone.push_back(Beside(names, &row, "gone", false));
    }
    return gone;
  }

 private:
  // What says which row it is, and not how it fares.
  static bool IsName(const Column& column) {
    return column.key || (column.type == ColumnType::kText && column.style != ColumnStyle::kStatus);
  }

  Cell Old(const Row* old, size_t column) const {
    return old == nullptr || !before_at_[column] ? Cell() : (*old)[*before_at_[column]];
  }

  bool Comparable(const Row& row, const Row& old) const {
    const auto cells = [&](std::string_view name) {
      return std::pair(CellOf(now_, row, name), CellOf(before_, old, name));
    };
    const auto [model, old_model] = cells("score_model");
    if (TextIn(model) != TextIn(old_model)) return false;
    const auto [coverage, old_coverage] = cells("coverage");
    const auto a = NumberIn(coverage);
    const auto b = NumberIn(old_coverage);
    return !a || !b || std::abs(*a - *b) <= kCoverageApartMax;
  }

  Row Beside(const Row& row, const Row* old, const char* word, bool scores_withheld) const {
    Row made;
    for (size_t i = 0; i < now_.columns.size(); ++i) {
      made.push_back(row[i]);
      if (!IsCompared(now_.columns[i])) continue;
      const Cell before = Old(old, i);
      const bool withheld = scores_withheld && now_.columns[i].style == ColumnStyle::kScore;
      made.push_back(before);
      made.push_back(withheld ? Cell() : Difference(row[i], before));
    }
    made.emplace_back(std::string(word));
    return made;
  }

  const Table& now_;
  const Table& before_;
  std::vector<std::optional<size_t>> before_at_;  // each column of `now_` in `before_`
  std::map<std::string, const Row*> old_rows_;    // not met yet
};

}  // namespace

Table CompareTables(const Table& now, const Table& before, std::string_view now_label,
                    std::string_view before_label) {
  Comparison comparison(now, before);
  Table out;
  out.name = now.name;
  out.title = now.title;
  out.notes = now.notes;
  if (!now_label.empty()) out.notes.push_back(Concat(now_label, " against ", before_label));
  out.record = now.record;
  out.columns = comparison.Columns();
  for (const Row& row : now.rows) out.rows.push_back(comparison.Compare(row));
  for (Row& row : comparison.Gone()) out.rows.push_back(std::move(row));
  return out;
}

}  // namespace candor
