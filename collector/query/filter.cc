#include "collector/query/filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "collector/query/filter_lexer.h"
#include "collector/query/nearest.h"
#include "collector/query/text.h"
#include "collector/query/units.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {

// Recursive descent, writing postfix; the depth is that of parentheses and `not`.
class FilterParser {
 public:
  explicit FilterParser(std::vector<FilterToken> tokens) : tokens_(std::move(tokens)) {}

  absl::StatusOr<FilterExpression> Run() {
    CANDOR_RETURN_IF_ERROR(Or(0));
    if (Peek().kind != Kind::kEnd) {
      return FilterError(Peek().at, "'and', 'or' or the end", DescribeToken(Peek()));
    }
    return std::move(out_);
  }

 private:
  using Kind = FilterToken::Kind;
  using NodeKind = FilterExpression::Kind;

  const FilterToken& Peek() const { return tokens_[at_]; }
  // Never moves behind kEnd.
  FilterToken Take() { return Peek().kind == Kind::kEnd ? Peek() : tokens_[at_++]; }
  bool AtWord(std::string_view word) const {
    return Peek().kind == Kind::kWord && EqualsIgnoreCase(Peek().text, word);
  }
  bool TakeWord(std::string_view word) {
    if (!AtWord(word)) return false;
    ++at_;
    return true;
  }
  void Push(NodeKind kind, size_t term = 0) { out_.postfix_.push_back({kind, term}); }

  absl::Status Or(int depth) {
    CANDOR_RETURN_IF_ERROR(And(depth));
    while (TakeWord("or")) {
      CANDOR_RETURN_IF_ERROR(And(depth));
      Push(NodeKind::kOr);
    }
    return absl::OkStatus();
  }

  absl::Status And(int depth) {
    CANDOR_RETURN_IF_ERROR(Not(depth));
    while (TakeWord("and")) {
      CANDOR_RETURN_IF_ERROR(Not(depth));
      Push(NodeKind::kAnd);
    }
    return absl::OkStatus();
  }

  absl::Status Not(int depth) {
    if (depth > FilterLimits::kDepthMax) {
      return absl::InvalidArgumentError(Concat("--where: at character ", Peek().at,
                                               ": nested deeper than ", FilterLimits::kDepthMax));
    }
    if (TakeWord("not")) {
      CANDOR_RETURN_IF_ERROR(Not(depth + 1));
      Push(NodeKind::kNot);
      return absl::OkStatus();
    }
    if (Peek().kind == Kind::kOpen) {
      const size_t opened_at = Take().at;
      CANDOR_RETURN_IF_ERROR(Or(depth + 1));
      if (const FilterToken found = Take(); found.kind != Kind::kClose) {
        return FilterError(found.at, Concat("')' for the '(' at ", opened_at),
                           DescribeToken(found));
      }
      return absl::OkStatus();
    }
    return Comparison();
  }

  absl::Status Comparison() {
    const FilterToken column = Take();
    if (column.kind != Kind::kWord || IsKeyword(column.text)) {
      return FilterError(column.at, "a column", DescribeToken(column));
    }
    if (out_.terms_.size() == FilterLimits::kComparisonsMax) {
      return absl::InvalidArgumentError(
          Concat("--where: more than ", FilterLimits::kComparisonsMax, " comparisons"));
    }
    FilterTerm term;
    term.column = column.text;
    term.column_at = column.at;
    if (Peek().kind == Kind::kOperator) {
      term.op = OpOf(Take().text);
      const FilterToken value = Take();
      if ((value.kind != Kind::kWord && value.kind != Kind::kText) ||
          (value.kind == Kind::kWord && IsKeyword(value.text))) {
        return FilterError(value.at, "a value", DescribeToken(value));
      }
      term.value = value.text;
      term.value_at = value.at;
      term.quoted = value.kind == Kind::kText;
      // "40 s": a unit apart from its number.
      if (!term.quoted && Peek().kind == Kind::kWord && ParseUnit(Peek().text) &&
          absl::ascii_isdigit(static_cast<unsigned char>(term.value.back()))) {
        term.value += Take().text;
      }
    } else if (Peek().kind != Kind::kEnd && Peek().kind != Kind::kClose && !AtWord("and") &&
               !AtWord("or")) {
      return FilterError(Peek().at, "a comparison (= != < <= > >= ~)", DescribeToken(Peek()));
    }
    out_.terms_.push_back(std::move(term));
    Push(NodeKind::kTerm, out_.terms_.size() - 1);
    return absl::OkStatus();
  }

  static bool IsKeyword(std::string_view word) {
    return EqualsIgnoreCase(word, "and") || EqualsIgnoreCase(word, "or") ||
           EqualsIgnoreCase(word, "not");
  }

  static FilterOp OpOf(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, FilterOp>, 7> kOps = {{
        {"=", FilterOp::kEqual},
        {"!=", FilterOp::kNotEqual},
        {"<", FilterOp::kLess},
        {"<=", FilterOp::kLessEqual},
        {">", FilterOp::kGreater},
        {">=", FilterOp::kGreaterEqual},
        {"~", FilterOp::kContains},
    }};
    for (const auto& [name, op] : kOps) {
      if (name == text) return op;
    }
    return FilterOp::kEqual;
  }

  std::vector<FilterToken> tokens_;
  size_t at_ = 0;
  FilterExpression out_;
};

absl::StatusOr<FilterExpression> FilterExpression::Parse(std::string_view text) {
  if (text.size() > FilterLimits::kBytesMax) {
    return absl::InvalidArgumentError(
        Concat("--where: longer than ", FilterLimits::kBytesMax, " bytes"));
  }
  CANDOR_ASSIGN_OR_RETURN(std::vector<FilterToken> tokens, LexFilter(text));
  return FilterParser(std::move(tokens)).Run();
}

std::vector<std::string> FilterExpression::Columns() const {
  std::vector<std::string> names;
  for (const FilterTerm& term : terms_) {
    if (std::find(names.begin(), names.end(), term.column) == names.end()) {
      names.push_back(term.column);
    }
  }
  return names;
}

std::vector<FilterExpression> FilterExpression::Conjuncts() const {
  // Walks postfix keeping, for each value on the stack, the conjuncts it consists of.
  std::vector<std::vector<FilterExpression>> stack;
  const auto merge = [](std::vector<FilterExpression> parts, Kind joined_by) {
    FilterExpression whole = std::move(parts.front());
    for (size_t i = 1; i < parts.size(); ++i) {
      for (Node node : parts[i].postfix_) {
        node.term += whole.terms_.size();
        whole.postfix_.push_back(node);
      }
      whole.terms_.insert(whole.terms_.end(), parts[i].terms_.begin(), parts[i].terms_.end());
      whole.postfix_.push_back({joined_by, 0});
    }
    return whole;
  };
  for (const Node& node : postfix_) {
    if (node.kind == Kind::kTerm) {
      FilterExpression single;
      single.terms_.push_back(terms_[node.term]);
      single.postfix_.push_back({Kind::kTerm, 0});
      stack.push_back({std::move(single)});
      continue;
    }
    if (node.kind == Kind::kNot) {
      FilterExpression whole = merge(std::move(stack.back()), Kind::kAnd);
      whole.postfix_.push_back({Kind::kNot, 0});
      stack.back() = {std::move(whole)};
      continue;
    }
    std::vector<FilterExpression> right = std::move(stack.back());
    stack.pop_back();
    std::vector<FilterExpression>& left = stack.back();
    if (node.kind == Kind::kAnd) {
      left.insert(left.end(), right.begin(), right.end());
    } else {
      left = {merge({merge(std::move(left), Kind::kAnd), merge(std::move(right), Kind::kAnd)},
                    Kind::kOr)};
    }
  }
  return stack.empty() ? std::vector<FilterExpression>{} : std::move(stack.back());
}

namespace {

absl::StatusOr<double> NumberWithUnit(const FilterTerm& term, const Column& column) {
  const Unit want = UnitOfColumn(column.name);
  const std::string_view text = term.value;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto wrong = [&] {
    return FilterError(term.value_at, Concat(ExpectedValue(want.kind), " for ", column.name),
                       Concat("'", text, "'"));
  };
  if (error != std::errc() || !std::isfinite(number)) return wrong();
  const std::string_view behind(end, static_cast<size_t>(text.data() + text.size() - end));
  if (behind.empty()) return number;
  const std::optional<Unit> unit = ParseUnit(behind);
  if (!unit || unit->kind != want.kind) return wrong();
  return number * unit->factor / want.factor;
}

absl::StatusOr<Cell> BindTime(const FilterTerm& term, const Column& column, int64_t now_ms) {
  absl::StatusOr<int64_t> moment = ParseMoment(term.value, now_ms);
  if (!moment.ok()) {
    return FilterError(term.value_at,
                       Concat("a time, a date or an age such as 7d for ", column.name),
                       Concat("'", term.value, "'"));
  }
  return Cell(column.type == ColumnType::kDay ? LocalDay(*moment, 0) : *moment);
}

absl::StatusOr<Cell> BindValue(const FilterTerm& term, const Column& column, int64_t now_ms) {
  switch (column.type) {
    case ColumnType::kText:
      return Cell(term.value);
    case ColumnType::kNumber:
    case ColumnType::kInteger: {
      CANDOR_ASSIGN_OR_RETURN(const double number, NumberWithUnit(term, column));
      return Cell(number);
    }
    case ColumnType::kBoolean:
      if (EqualsIgnoreCase(term.value, "true")) return Cell(true);
      if (EqualsIgnoreCase(term.value, "false")) return Cell(false);
      return FilterError(term.value_at, Concat("true or false for ", column.name),
                         Concat("'", term.value, "'"));
    case ColumnType::kTime:
    case ColumnType::kDay:
      return BindTime(term, column, now_ms);
    case ColumnType::kSeries:
      break;
  }
  return FilterError(term.column_at, "a column that can be compared",
                     Concat("the series '", column.name, "'"));
}

std::optional<size_t> FindColumn(const std::vector<Column>& columns, std::string_view name) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return i;
  }
  return std::nullopt;
}

absl::Status UnknownColumn(const FilterTerm& term, const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  return absl::InvalidArgumentError(Concat("--where: at character ", term.column_at,
                                           ": no column '", term.column, "'",
                                           DidYouMean(term.column, names)));
}

bool Holds(FilterOp op, int order) {
  switch (op) {
    case FilterOp::kEqual:
      return order == 0;
    case FilterOp::kNotEqual:
      return order != 0;
    case FilterOp::kLess:
      return order < 0;
    case FilterOp::kLessEqual:
      return order <= 0;
    case FilterOp::kGreater:
      return order > 0;
    case FilterOp::kGreaterEqual:
      return order >= 0;
    case FilterOp::kContains:
      break;
  }
  return false;
}

}  // namespace

absl::StatusOr<Filter::Test> Filter::BindTerm(const FilterTerm& term,
                                              const std::vector<Column>& columns, int64_t now_ms) {
  const std::optional<size_t> index = FindColumn(columns, term.column);
  if (!index) return UnknownColumn(term, columns);
  const Column& column = columns[*index];
  Test test;
  test.column = *index;
  test.style = column.style;
  if (!term.op) {
    if (column.type != ColumnType::kBoolean) {
      return FilterError(term.column_at + term.column.size(),
                         Concat("a comparison after ", column.name), "none");
    }
    test.value = true;
    return test;
  }
  test.op = *term.op;
  if (!term.quoted && EqualsIgnoreCase(term.value, "none")) {
    if (test.op != FilterOp::kEqual && test.op != FilterOp::kNotEqual) {
      return FilterError(term.value_at, "a value ('none' goes with = and != only)", "'none'");
    }
    return test;
  }
  if (test.op == FilterOp::kContains && column.type != ColumnType::kText) {
    return absl::InvalidArgumentError(Concat("--where: at character ", term.column_at,
                                             ": '~' needs text, ", column.name, " is not"));
  }
  CANDOR_ASSIGN_OR_RETURN(test.value, BindValue(term, column, now_ms));
  return test;
}

absl::StatusOr<Filter> Filter::Bind(const FilterExpression& expression,
                                    const std::vector<Column>& columns, int64_t now_ms) {
  Filter filter;
  filter.postfix_ = expression.postfix_;
  for (const FilterTerm& term : expression.terms_) {
    CANDOR_ASSIGN_OR_RETURN(Test test, BindTerm(term, columns, now_ms));
    filter.tests_.push_back(std::move(test));
  }
  return filter;
}

std::optional<bool> Filter::Evaluate(const Test& test, const Row& row) {
  const Cell& cell = row[test.column];
  if (IsEmpty(test.value)) return IsEmpty(cell) == (test.op == FilterOp::kEqual);
  if (IsEmpty(cell)) return std::nullopt;
  if (test.op == FilterOp::kContains) {
    return ToLower(TextIn(cell)).find(ToLower(TextIn(test.value))) != std::string::npos;
  }
  const bool is_text = std::holds_alternative<std::string>(cell);
  if (is_text && (test.op == FilterOp::kEqual || test.op == FilterOp::kNotEqual)) {
    return (TextIn(cell) == TextIn(test.value)) == (test.op == FilterOp::kEqual);
  }
  return Holds(test.op, CompareCells(cell, test.value, test.style));
}

bool Filter::Matches(const Row& row) const {
  // Kleene's three values; at most one stack entry a comparison.
  std::vector<std::optional<bool>> stack;
  using Kind = FilterExpression::Kind;
  for (const FilterExpression::Node& node : postfix_) {
    if (node.kind == Kind::kTerm) {
      stack.push_back(Evaluate(tests_[node.term], row));
      continue;
    }
    if (node.kind == Kind::kNot) {
      if (stack.back()) stack.back() = !*stack.back();
      continue;
    }
    const std::optional<bool> right = stack.back();
    stack.pop_back();
    std::optional<bool>& left = stack.back();
    const bool decisive = node.kind == Kind::kOr;  // true decides `or`, false decides `and`
    if (left == decisive || right == decisive) {
      left = decisive;
    } else if (!left || !right) {
      left = std::nullopt;
    }
  }
  return !stack.empty() && stack.back().value_or(false);
}

absl::StatusOr<Filter> ParseFilter(std::string_view text, const std::vector<Column>& columns,
                                   int64_t now_ms) {
  CANDOR_ASSIGN_OR_RETURN(const FilterExpression expression, FilterExpression::Parse(text));
  return Filter::Bind(expression, columns, now_ms);
}

}  // namespace candor
