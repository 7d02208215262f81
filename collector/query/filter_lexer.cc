#include "collector/query/filter_lexer.h"

#include "absl/strings/ascii.h"
#include "collector/query/text.h"
#include "common/status.h"

namespace candor {
namespace {

// A word is everything up to white space, a parenthesis, a quote or an operator, so that versions,
// dates, percentages and any script's letters need no quotes.
bool IsWordByte(char c) {
  return !absl::ascii_isspace(static_cast<unsigned char>(c)) &&
         std::string_view("()\"'=!<>~").find(c) == std::string_view::npos &&
         !absl::ascii_iscntrl(static_cast<unsigned char>(c));
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<FilterToken>> Run() {
    std::vector<FilterToken> tokens;
    while (true) {
      SkipSpace();
      CANDOR_ASSIGN_OR_RETURN(FilterToken token, Next());
      tokens.push_back(std::move(token));
      if (tokens.back().kind == FilterToken::Kind::kEnd) return tokens;
    }
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) {
      Advance(1);
    }
  }

  // Characters, not bytes: continuation bytes of UTF-8 do not count.
  void Advance(size_t bytes) {
    for (size_t i = 0; i < bytes; ++i, ++at_) {
      if ((static_cast<unsigned char>(text_[at_]) & 0xC0) != 0x80) ++character_;
    }
  }

  absl::StatusOr<FilterToken> Next() {
    FilterToken token;
    token.at = character_;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '(' || c == ')') {
      token.kind = c == '(' ? FilterToken::Kind::kOpen : FilterToken::Kind::kClose;
      token.text = std::string(1, c);
      Advance(1);
      return token;
    }
    if (c == '"' || c == '\'') return QuotedText(c, std::move(token));
    if (IsWordByte(c)) return Word(std::move(token));
    return Operator(std::move(token));
  }

  absl::StatusOr<FilterToken> QuotedText(char quote, FilterToken token) {
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) {
      return FilterError(token.at, Concat("a closing ", std::string(1, quote)), "the end");
    }
    token.kind = FilterToken::Kind::kText;
    token.text = std::string(text_.substr(at_ + 1, end - at_ - 1));
    Advance(end + 1 - at_);
    return token;
  }

  absl::StatusOr<FilterToken> Word(FilterToken token) {
    size_t end = at_;
    while (end < text_.size() && IsWordByte(text_[end])) ++end;
    token.kind = FilterToken::Kind::kWord;
    token.text = std::string(text_.substr(at_, end - at_));
    Advance(end - at_);
    return token;
  }

  absl::StatusOr<FilterToken> Operator(FilterToken token) {
    token.kind = FilterToken::Kind::kOperator;
    for (const std::string_view op : {"!=", "<=", ">=", "==", "=", "<", ">", "~"}) {
      if (text_.substr(at_, op.size()) != op) continue;
      token.text = op == "==" ? "=" : std::string(op);
      Advance(op.size());
      return token;
    }
    return FilterError(token.at, "a column, a value or a comparison (= != < <= > >= ~)",
                       absl::ascii_isprint(static_cast<unsigned char>(text_[at_]))
                           ? Concat("'", std::string(1, text_[at_]), "'")
                           : "a control character");
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t character_ = 1;
};

}  // namespace

absl::StatusOr<std::vector<FilterToken>> LexFilter(std::string_view text) {
  return Lexer(text).Run();
}

absl::Status FilterError(size_t at, std::string_view expected, std::string_view found) {
  return absl::InvalidArgumentError(
      Concat("--where: at character ", at, ": expected ", expected, ", found ", found));
}

std::string DescribeToken(const FilterToken& token) {
  if (token.kind == FilterToken::Kind::kEnd) return "the end";
  constexpr size_t kShown = 40;
  return Concat("'", token.text.substr(0, kShown), "'");
}

}  // namespace candor
