// What can be asked of any table: order, limits, two periods side by side.
#include "collector/query/shape.h"

#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using testing::At;
using testing::ColumnText;

Table Sample() {
  Table table;
  table.name = "t";
  table.columns = {TextColumn("name", "name").Key(), ScoreColumn("score", "score"),
                   IntegerColumn("crashes", "crashes"), SeriesColumn("trend", "trend"),
                   NumberColumn("coverage", "coverage", 2)};
  table.rows = {{"b10", 50.0, int64_t{3}, Series{}, 0.9},
                {"b9", std::monostate{}, int64_t{1}, Series{}, 0.2},
                {"a", 70.5, int64_t{3}, Series{}, 0.8}};
  return table;
}

TEST_CASE("Rows are sorted either way, those without a value last, equal ones as they were") {
  Table table = Sample();
  REQUIRE_OK(SortRows("score", table));
  REQUIRE(ColumnText(table, "name") == "b10 a b9");
  REQUIRE_OK(SortRows("-score", table));
  REQUIRE(ColumnText(table, "name") == "a b10 b9");
  REQUIRE_OK(SortRows("name", table));
  REQUIRE(ColumnText(table, "name") == "a b9 b10");
  REQUIRE_OK(SortRows("-crashes", table));
  REQUIRE(ColumnText(table, "name") == "a b10 b9");
  REQUIRE_OK(SortRows("", table));
}

TEST_CASE("Sorting by what is no column names the nearest") {
  Table table = Sample();
  REQUIRE(MessageOf(SortRows("-scor", table)) == "--sort: no column 'scor' (did you mean score?)");
  REQUIRE(absl::IsInvalidArgument(SortRows("trend", table)));
}

TEST_CASE("A limit keeps the first rows and says how many there were") {
  Table table = Sample();
  LimitRows(0, table);
  LimitRows(3, table);
  REQUIRE(table.notes.empty());
  LimitRows(2, table);
  REQUIRE(table.rows.size() == 2);
  REQUIRE(table.notes == std::vector<std::string>{"2 of 3 rows"});
}

TEST_CASE("A view's own order goes by several columns") {
  Table table = Sample();
  RankRows({"-crashes", "score"}, table);
  REQUIRE(ColumnText(table, "name") == "b10 a b9");
}

TEST_CASE("Two periods stand side by side with the difference, matched by key") {
  Table now = Sample();
  Table before = Sample();
  before.rows = {{"a", 60.0, int64_t{5}, Series{}, 0.75}, {"gone", 1.0, int64_t{1}, Series{}, 0.9}};
  const Table both = CompareTables(now, before, "now", "then");
  REQUIRE(both.rows.size() == 4);
  REQUIRE(both.notes.back() == "now against then");
  REQUIRE(testing::NumberAt(both, 2, "score") == 70.5);
  REQUIRE(testing::NumberAt(both, 2, "score_before") == 60.0);
  REQUIRE(testing::NumberAt(both, 2, "score_change") == 10.5);
  REQUIRE(std::get<int64_t>(At(both, 2, "crashes_change")) == -2);
  REQUIRE(testing::TextAt(both, 2, "comparison") == "ok");
  REQUIRE(testing::TextAt(both, 0, "comparison") == "new");
  REQUIRE(IsEmpty(At(both, 0, "score_before")));
  REQUIRE(IsEmpty(At(both, 0, "score_change")));
  REQUIRE(testing::TextAt(both, 3, "name") == "gone");
  REQUIRE(testing::TextAt(both, 3, "comparison") == "gone");
  REQUIRE(IsEmpty(At(both, 3, "score")));
  REQUIRE(testing::NumberAt(both, 3, "score_before") == 1.0);
  REQUIRE(IsEmpty(At(both, 3, "score_change")));
  REQUIRE_FALSE(both.Find("name_before"));
  REQUIRE_FALSE(both.Find("trend_before"));
}

TEST_CASE("Scores whose coverage differs by more than 0.10 are not compared") {
  Table now = Sample();
  Table before = Sample();
  before.rows[0][4] = 0.79;
  const Table both = CompareTables(now, before, "now", "then");
  REQUIRE(testing::TextAt(both, 0, "comparison") == "not comparable");
  REQUIRE(IsEmpty(At(both, 0, "score_change")));
  REQUIRE(std::get<int64_t>(At(both, 0, "crashes_change")) == 0);
  REQUIRE(testing::TextAt(both, 2, "comparison") == "ok");
}

TEST_CASE("Scores of different models are not compared, and columns are matched by name") {
  Table now = Sample();
  Table before = Sample();
  // A column that the other period does not have stands in between.
  before.columns.insert(before.columns.begin() + 1, TextColumn("extra", "extra"));
  for (Row& row : before.rows) row.insert(row.begin() + 1, std::string("x"));
  const bool same = GENERATE(true, false);
  for (Table* table : {&now, &before}) {
    table->columns.push_back(TextColumn("score_model", "scored by"));
    for (Row& row : table->rows) {
      row.emplace_back(std::string(table == &now || same ? "candor-1" : "candor-2"));
    }
  }
  const Table both = CompareTables(now, before, "now", "then");
  REQUIRE(testing::TextAt(both, 0, "comparison") == (same ? "ok" : "not comparable"));
  REQUIRE(IsEmpty(At(both, 0, "score_change")) == !same);
  REQUIRE(std::get<int64_t>(At(both, 0, "crashes_change")) == 0);
}

TEST_CASE("Rows that are days, or have no number, are not compared") {
  Table table = Sample();
  REQUIRE(CanCompare(table));
  table.columns[0] = DayColumn("day", "day").Key();
  REQUIRE_FALSE(CanCompare(table));
  table.columns = {TextColumn("key", "key").Key(), TextColumn("value", "value")};
  REQUIRE_FALSE(CanCompare(table));
  table.columns = {TextColumn("cause", "cause"), NumberColumn("lost_min", "minutes")};
  REQUIRE_FALSE(CanCompare(table));
}

}  // namespace
}  // namespace candor
