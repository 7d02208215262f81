// The filter language of --where: comparisons over the columns of a table.
//
//   expression  = and-term { "or" and-term }
//   and-term    = not-term { "and" not-term }
//   not-term    = "not" not-term | "(" expression ")" | comparison
//   comparison  = column ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" ) value | column
//   value       = "text" | 'text' | word | number [unit] | true | false | none
//
// `~` asks whether a text contains another, whatever their case. A number may carry a unit of the
// same kind as its column's name: `boot_s > 1m`, `disk_free_gib < 500MiB`, `loss_pct > 1%`. Times
// compare with RFC 3339, dates and ages (`last_seen < 7d`: longer ago than seven days). Text is
// ordered naturally, so `kernel < 6.1.10` means what it says, and versions of packages as package
// managers order them. A column of truth values stands alone.
//
// What has no value is neither inside nor outside: a comparison with it is unknown, `not` keeps it
// unknown, and a row is kept only where the whole is true. `= none` and `!= none` ask for it.
//
// Values, no locks. Errors are InvalidArgument, one line: where (in characters, from 1), what was
// expected, what was found.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/query/table.h"

namespace candor {

struct FilterLimits {
  static constexpr size_t kBytesMax = 4096;
  static constexpr int kDepthMax = 32;
  static constexpr size_t kComparisonsMax = 200;
};

enum class FilterOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kContains };

// One comparison as it was written, before any column is known.
struct FilterTerm {
  std::string column;
  size_t column_at = 0;        // position of the column's name
  std::optional<FilterOp> op;  // absent: the column alone
  std::string value;
  size_t value_at = 0;
  bool quoted = false;
};

// A parsed expression, not yet tied to columns.
class FilterExpression {
 public:
  static absl::StatusOr<FilterExpression> Parse(std::string_view text);

  const std::vector<FilterTerm>& terms() const { return terms_; }
  // Distinct column names, in order of appearance.
  std::vector<std::string> Columns() const;

  // The parts that a top-level `and` joins, each an expression of its own.
  std::vector<FilterExpression> Conjuncts() const;

 private:
  friend class FilterParser;
  friend class Filter;
  enum class Kind : uint8_t { kTerm, kAnd, kOr, kNot };
  struct Node {
    Kind kind;
    size_t term = 0;  // index into terms_, for kTerm
  };
  std::vector<FilterTerm> terms_;
  std::vector<Node> postfix_;
};

// An expression tied to the columns of a table.
class Filter {
 public:
  // `now_ms` anchors ages. Unknown columns are answered with the nearest names; values are checked
  // against the column's type and unit here, once.
  static absl::StatusOr<Filter> Bind(const FilterExpression& expression,
                                     const std::vector<Column>& columns, int64_t now_ms);

  bool Matches(const Row& row) const;

 private:
  struct Test {
    size_t column = 0;
    FilterOp op = FilterOp::kEqual;
    Cell value;  // std::monostate: none
    ColumnStyle style = ColumnStyle::kPlain;
  };
  static absl::StatusOr<Test> BindTerm(const FilterTerm& term, const std::vector<Column>& columns,
                                       int64_t now_ms);
  static std::optional<bool> Evaluate(const Test& test, const Row& row);

  std::vector<Test> tests_;
  std::vector<FilterExpression::Node> postfix_;
};

// Parse and Bind in one.
absl::StatusOr<Filter> ParseFilter(std::string_view text, const std::vector<Column>& columns,
                                   int64_t now_ms);

}  // namespace candor
