// Verification of a log at rest, for `candor-collector check`:
//   - within each epoch of each device the places follow one another without holes, from the oldest
//     row kept up to the cursor;
//   - every row's hash is that of its bytes, and the bytes say the same device-independent facts as
//     the row (epoch, place, kind);
//   - every batch follows the one before it (predecessor hash), except after a gap or a refusal,
//     and the cursor holds the last one's chain hash;
//   - no fold's watermark is beyond the log.
//
// Reads only; one thread. Memory is bounded whatever the size of the log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/sqlite.h"

namespace candor {

struct LogCheck {
  static constexpr size_t kFindingsMax = 20;

  uint64_t epochs = 0;
  uint64_t batches = 0;
  uint64_t tombstones = 0;
  uint64_t refused = 0;
  uint64_t gaps = 0;
  uint64_t quarantined = 0;
  uint64_t wrong = 0;                 // findings in all
  std::vector<std::string> findings;  // one line each, the first kFindingsMax
};

// An error only where the database cannot be read; what is wrong with the log is in `findings`.
absl::StatusOr<LogCheck> CheckLog(Database& db);

}  // namespace candor
