// Catch2, version 2 (Debian 12) or 3 (Debian 13).
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Fails with the status's own words.
#define REQUIRE_OK(expr)                                \
  do {                                                  \
    const auto& candor_result = (expr);                 \
    INFO(::candor::testing::StatusText(candor_result)); \
    REQUIRE(candor_result.ok());                        \
  } while (false)

namespace candor::testing {
inline std::string StatusText(const absl::Status& status) { return status.ToString(); }
template <typename T>
std::string StatusText(const absl::StatusOr<T>& result) {
  return result.status().ToString();
}
}  // namespace candor::testing
