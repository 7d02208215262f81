// The one error vocabulary: absl::Status and absl::StatusOr, with the two macros that pass an error
// on. Messages are one line, name what is wrong and where, and end without a full stop.
#pragma once

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define CANDOR_CONCAT_INNER(a, b) a##b
#define CANDOR_CONCAT(a, b) CANDOR_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expr` is an error.
#define CANDOR_RETURN_IF_ERROR(expr)                                \
  do {                                                              \
    if (absl::Status candor_status = (expr); !candor_status.ok()) { \
      return candor_status;                                         \
    }                                                               \
  } while (false)

// Declares or assigns `lhs` from a StatusOr, or returns its error.
#define CANDOR_ASSIGN_OR_RETURN(lhs, expr) \
  CANDOR_ASSIGN_OR_RETURN_IMPL(CANDOR_CONCAT(candor_or_, __LINE__), lhs, expr)
#define CANDOR_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                                 \
  if (!tmp.ok()) return tmp.status();                \
  lhs = std::move(tmp).value()

namespace candor {

// A status's message as the standard's string view; Debian's absl::string_view is a type of its
// own.
inline std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// The same error with `where` and a colon in front of its message.
absl::Status Prefix(const absl::Status& status, std::string_view where);

// An error that carries the text of `errno`-style code `error` after `what`.
absl::Status ErrnoStatus(int error, std::string_view what);

}  // namespace candor
