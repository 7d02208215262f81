// A slice meets the store: stored facts are read and merged on the folder's thread, then everything
// is written in the committer's transaction, watermark included, so that facts and watermark are
// never apart.
//
// Only one folder may be at work on a store: between Prepare and Write nobody else changes folds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/fold/slice.h"
#include "common/sqlite.h"

namespace candor {

struct PreparedSlice {
  struct FactRow {
    int64_t device = 0;
    int64_t time = 0;  // hour or day
    std::string facts;
  };
  std::vector<FactRow> hours;
  std::vector<FactRow> days;
  Slice slice;  // the rest, as it was folded
};

// Merges the slice's facts with the stored ones. Stored facts that cannot be read are logged and
// begun anew: one damaged row must not stop the fleet's folds, and a rebuild restores it.
absl::StatusOr<PreparedSlice> PrepareSlice(Database& reader, Slice slice);

// Columns wall_ms, epoch and seq of a row, from this one on.
Stamp StampAt(const Statement& row, int column);

// Within a transaction of the writing connection.
absl::Status WriteSlice(Database& db, const PreparedSlice& prepared);

// Name of the facts' watermark in table fold.
inline constexpr const char* kFactsFold = "facts";

// Last log row folded; 0 when none is.
absl::StatusOr<int64_t> ReadWatermark(Database& db);

}  // namespace candor
