// The filter language as a table of expressions: which rows each keeps, which error each mistake
// gets.
#include "collector/query/filter.h"

#include <limits>

#include "common/status.h"
#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kNow = 1'795'322'400'000;  // 2026-11-22T04:00:00Z

const std::vector<Column>& Columns() {
  static const std::vector<Column> columns = {
      TextColumn("host", "host"),       TextColumn("os", "system"),
      TextColumn("kernel", "kernel"),   NumberColumn("score", "score"),
      NumberColumn("boot_s", "boot"),   NumberColumn("disk_free_gib", "disk free"),
      NumberColumn("loss_pct", "loss"), NumberColumn("lost_min_per_day", "lost"),
      IntegerColumn("crashes", "n"),    BooleanColumn("provisional", "provisional"),
      TimeColumn("last_seen", "seen"),  DayColumn("day", "day"),
      SeriesColumn("trend", "trend"),
  };
  return columns;
}

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"anna-1", "Debian 12", "6.1.9", 91.5, 21.0, 120.0, 0.2, 1.5, int64_t{0}, false,
       kNow - 3'600'000, int64_t{20'779}, Series{1, 2}},
      {"bert-2", "Debian 13", "6.1.10", 42.0, 75.0, 4.0, 6.0, 31.0, int64_t{7}, false,
       kNow - 10 * kMsPerDay, int64_t{20'770}, Series{}},
      {"cleo-3", "Ubuntu 24.04", "6.8.0", std::monostate{}, std::monostate{}, 0.4, std::monostate{},
       0.0, int64_t{1}, true, std::monostate{}, int64_t{20'779}, Series{}},
  };
  return rows;
}

// First letters of the rows a filter keeps, or its error.
std::string Kept(std::string_view text) {
  const auto filter = ParseFilter(text, Columns(), kNow);
  if (!filter.ok()) return std::string(MessageOf(filter.status()));
  std::string kept;
  for (const Row& row : Rows()) {
    if (filter->Matches(row)) kept += TextIn(row[0]).substr(0, 1);
  }
  return kept;
}

struct FilterExample {
  const char* text;
  const char* expected;
};

TEST_CASE("A filter keeps the rows for which the whole expression is true") {
  const FilterExample example = GENERATE(values<FilterExample>({
      {"score < 60", "b"},
      {"score >= 42", "ab"},
      {"score = 42", "b"},
      {"score == 42.0", "b"},
      {"score != 42", "a"},
      {"os ~ debian", "ab"},
      {"os ~ \"Debian 12\"", "a"},
      {"os ~ 'BUNTU'", "c"},
      {"os = Debian", ""},
      {"os = 'Debian 12'", "a"},
      {"os != 'Debian 12'", "bc"},
      {"score < 60 and os ~ \"Debian\" and boot_s > 40", "b"},
      {"crashes > 0 or score > 90", "abc"},
      {"os ~ Ubuntu or os ~ Debian and score > 90", "ac"},
      {"(os ~ Ubuntu or os ~ Debian) and score > 90", "a"},
      {"not score < 60", "a"},
      {"not (os ~ Debian or crashes = 1)", ""},
      {"not not provisional", "c"},
      {"NOT provisional AND crashes < 5", "a"},
      {"provisional = true", "c"},
      {"provisional=FALSE", "ab"},
      {"((((score<60))))", "b"},
  }));
  INFO(example.text);
  REQUIRE(Kept(example.text) == example.expected);
}

TEST_CASE("A filter reads units and brings them to the column's own") {
  const FilterExample example = GENERATE(values<FilterExample>({
      {"boot_s > 1m", "b"},
      {"boot_s > 40s", "b"},
      {"boot_s > 40 s", "b"},
      {"boot_s > 40 s and score < 60", "b"},
      {"boot_s < 0.5min", "a"},
      {"boot_s >= 21000ms", "ab"},
      {"disk_free_gib < 500MiB", "c"},
      {"disk_free_gib > 0.1TiB", "a"},
      {"loss_pct > 1%", "b"},
      {"lost_min_per_day > 0.5h", "b"},
      {"lost_min_per_day > 90s", "b"},
      {"crashes >= 1", "bc"},
  }));
  INFO(example.text);
  REQUIRE(Kept(example.text) == example.expected);
}

TEST_CASE("A filter compares times with moments and ages, versions by their numbers") {
  const FilterExample example = GENERATE(values<FilterExample>({
      {"last_seen < 7d", "b"},
      {"last_seen > 2h", "a"},
      {"last_seen > 2026-11-22T02:00:00Z", "a"},
      {"last_seen < yesterday", "b"},
      {"day = 2026-11-22", "ac"},
      {"day < '2026-11-20'", "b"},
      {"kernel < 6.1.10", "a"},
      {"kernel >= 6.1.10", "bc"},
  }));
  INFO(example.text);
  REQUIRE(Kept(example.text) == example.expected);
}

TEST_CASE("What was not measured is on neither side of a comparison") {
  const FilterExample example = GENERATE(values<FilterExample>({
      {"score < 1000", "ab"},
      {"not score < 1000", ""},
      {"score != 42", "a"},
      {"score = none", "c"},
      {"score != none", "ab"},
      {"score < 60 or os ~ Ubuntu", "bc"},
      {"score < 60 or not score < 60", "ab"},
      {"score < 60 and os ~ Windows", ""},
      {"not (score < 60 and os ~ Windows)", "abc"},
      {"last_seen = none", "c"},
      {"host = 'none'", ""},
  }));
  INFO(example.text);
  REQUIRE(Kept(example.text) == example.expected);
}

TEST_CASE("A mistake in a filter is answered with its position and what was expected") {
  const FilterExample example = GENERATE(values<FilterExample>({
      {"", "--where: at character 1: expected a column, found the end"},
      {"score <", "--where: at character 8: expected a value, found the end"},
      {"score 60", "--where: at character 7: expected a comparison (= != < <= > >= ~), found '60'"},
      {"score < 60 os ~ x",
       "--where: at character 12: expected 'and', 'or' or the end, found 'os'"},
      {"(score < 60", "--where: at character 12: expected ')' for the '(' at 1, found the end"},
      {"(score < 60]", "--where: at character 13: expected ')' for the '(' at 1, found the end"},
      {"score < 60)", "--where: at character 11: expected 'and', 'or' or the end, found ')'"},
      {"and", "--where: at character 1: expected a column, found 'and'"},
      {"score < and", "--where: at character 9: expected a value, found 'and'"},
      {"os ~ \"Debian", "--where: at character 6: expected a closing \", found the end"},
      {"score ! 6",
       "--where: at character 7: expected a column, a value or a comparison (= != < <= > >= ~), "
       "found '!'"},
      {"scor < 60", "--where: at character 1: no column 'scor' (did you mean score?)"},
      {"crashes > 0 and zzzzzz = 1", "--where: at character 17: no column 'zzzzzz'"},
      {"score < 60]", "--where: at character 9: expected a number for score, found '60]'"},
      {"score < abc", "--where: at character 9: expected a number for score, found 'abc'"},
      {"score < nan", "--where: at character 9: expected a number for score, found 'nan'"},
      {"score < 1e999", "--where: at character 9: expected a number for score, found '1e999'"},
      {"boot_s > 4GiB",
       "--where: at character 10: expected a number or a duration such as 40s for boot_s, found "
       "'4GiB'"},
      {"disk_free_gib < 3s",
       "--where: at character 17: expected a number or a size such as 20GiB for disk_free_gib, "
       "found '3s'"},
      {"score > 5s", "--where: at character 9: expected a number for score, found '5s'"},
      {"score ~ 5", "--where: at character 1: '~' needs text, score is not"},
      {"score < none",
       "--where: at character 9: expected a value ('none' goes with = and != only), found 'none'"},
      {"score", "--where: at character 6: expected a comparison after score, found none"},
      {"provisional = maybe",
       "--where: at character 15: expected true or false for provisional, found 'maybe'"},
      {"last_seen < soon",
       "--where: at character 13: expected a time, a date or an age such as 7d for last_seen, "
       "found "
       "'soon'"},
      {"trend = 1",
       "--where: at character 1: expected a column that can be compared, found the series 'trend'"},
      {"host ~ 'Zürich' and scor = 1",
       "--where: at character 21: no column 'scor' (did you mean score?)"},
      {"host = \x01",
       "--where: at character 8: expected a column, a value or a comparison (= != < "
       "<= > >= ~), found a control character"},
  }));
  INFO(example.text);
  REQUIRE(Kept(example.text) == example.expected);
}

TEST_CASE("A filter has limits on length, depth and number of comparisons") {
  REQUIRE(Kept(std::string(FilterLimits::kBytesMax + 1, ' ')) == "--where: longer than 4096 bytes");
  const std::string fits(FilterLimits::kDepthMax, '(');
  REQUIRE(Kept(fits + "score<60" + std::string(FilterLimits::kDepthMax, ')')) == "b");
  const std::string deep(FilterLimits::kDepthMax + 1, '(');
  REQUIRE(Kept(deep + "score<60" + std::string(FilterLimits::kDepthMax + 1, ')')) ==
          "--where: at character 34: nested deeper than 32");
  std::string nots;
  for (int i = 0; i < 500; ++i) nots += "not ";
  REQUIRE(Kept(nots + "provisional").find("nested deeper than 32") != std::string::npos);
  std::string many = "score<60";
  for (size_t i = 1; i < FilterLimits::kComparisonsMax; ++i) many += " or score<60";
  REQUIRE(Kept(many) == "b");
  REQUIRE(Kept(many + " or score<60") == "--where: more than 200 comparisons");
}

TEST_CASE("The parts that a top-level and joins keep the same rows as the whole") {
  const FilterExample example = GENERATE(values<FilterExample>({
      {"score < 60", "1"},
      {"score < 60 and os ~ Debian", "2"},
      {"score < 60 and (os ~ Debian or crashes > 0) and not provisional", "3"},
      {"score < 60 or os ~ Debian and crashes = 0", "1"},
      {"not (score < 60 and os ~ Debian)", "1"},
      {"(crashes > 0 and (os ~ Debian and boot_s > 1)) and score < 60", "4"},
  }));
  INFO(example.text);
  const auto whole = FilterExpression::Parse(example.text);
  REQUIRE_OK(whole);
  const auto parts = whole->Conjuncts();
  REQUIRE(std::to_string(parts.size()) == example.expected);
  const auto all = Filter::Bind(*whole, Columns(), kNow);
  REQUIRE_OK(all);
  for (const Row& row : Rows()) {
    bool every = true;
    for (const FilterExpression& part : parts) {
      const auto filter = Filter::Bind(part, Columns(), kNow);
      REQUIRE_OK(filter);
      every = every && filter->Matches(row);
    }
    REQUIRE(every == all->Matches(row));
  }
}

TEST_CASE("A filter names the columns it needs, each once") {
  const auto filter = FilterExpression::Parse("b < 1 and (a = 2 or b > 3)");
  REQUIRE_OK(filter);
  REQUIRE(filter->Columns() == std::vector<std::string>{"b", "a"});
}

}  // namespace
}  // namespace candor
