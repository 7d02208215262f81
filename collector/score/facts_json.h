// The offline form of a score: `candor score --facts FILE.json` reads facts and writes rows, so
// that anyone can recompute a score.
//
//   in   {"facts":[{"id":"v1","active_min":480,"coverage_factor":1,"values":{"boot_s":21.5,…}}]}
//   row  {"id":"v1","score":87.2,"coverage":0.9,"provisional":false,
//         "domains":{"startup":91.0,…},"losses":{"boot_s":0.4,…}}
//
// Other members beside "facts" are passed over, so a file may carry its own expectations. Numbers
// go out in full precision; without a score it is null and there are no losses. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/score/score.h"

namespace candor {

struct FactsLimits {
  static constexpr size_t kBytesMax = 64 << 20;
  static constexpr size_t kFactsMax = 1'000'000;
  static constexpr size_t kIdBytesMax = 256;
};

// InvalidArgument names the fact and the field: an unknown metric or field, one that is missing or
// there twice, a number that is negative or not finite, a value of another type.
absl::StatusOr<std::vector<ScoreFacts>> ParseFacts(std::string_view json);

// One row, without a line end.
std::string ScoreRowJson(std::string_view id, const Score& score);

}  // namespace candor
