// Words of the filter language. Positions count characters from 1. Plain values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace candor {

struct FilterToken {
  enum class Kind { kWord, kText, kOperator, kOpen, kClose, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;  // unquoted
  size_t at = 1;
};

// The last token is always kEnd.
absl::StatusOr<std::vector<FilterToken>> LexFilter(std::string_view text);

// InvalidArgument "at character 5: expected …, found …".
absl::Status FilterError(size_t at, std::string_view expected, std::string_view found);
// The token in words: "'and'", "the end".
std::string DescribeToken(const FilterToken& token);

}  // namespace candor
