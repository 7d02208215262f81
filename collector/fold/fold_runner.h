// The folds' work, slice by slice: reads log rows beyond the watermark, folds them, and derives
// scores. Used by the running collector's Folder (folder.h) and by offline commands (rebuild.h).
//
// A slice is bounded in rows, bytes and rows to be written, so that the committer, which ingest
// shares, is never held for long. One thread at a time; one runner on a store.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/fold/slice.h"
#include "collector/score/model.h"
#include "common/sqlite.h"

namespace candor {

struct FoldLimits {
  int rows_max = 4'096;        // log rows in a slice
  size_t bytes_max = 8 << 20;  // sealed bytes in a slice
  size_t changes_max = 4'096;  // rows to be written by a slice, roughly
  int devices_max = 64;        // devices scored in a slice
};

struct FoldProgress {
  uint64_t rows = 0;         // log rows passed, of every kind
  uint64_t batches = 0;      // folded
  uint64_t skipped = 0;      // batches and events that could not be read
  uint64_t slices = 0;       // transactions
  uint64_t days_scored = 0;  // device-days
  int64_t watermark = 0;     // last log row folded
};

class FoldRunner {
 public:
  using WriteFn = std::function<absl::Status(Database& db)>;
  // Runs its argument in a transaction of the writing connection and returns once it is committed.
  using CommitFn = std::function<absl::Status(WriteFn write)>;

  FoldRunner(Database reader, CommitFn commit, ModelSet models, FoldLimits limits = {});

  // Folds one slice. False when there was nothing beyond the watermark.
  absl::StatusOr<bool> FoldSlice();
  // Scores one slice. False when no score is behind its facts.
  absl::StatusOr<bool> ScoreSlice();

  // Facts first; now and then scores, so that they do not starve while the log is long.
  // False when there is nothing left to do.
  absl::StatusOr<bool> Step();

  const FoldProgress& progress() const { return progress_; }
  // Last log row there is; 0 for none.
  absl::StatusOr<int64_t> LogHead();

 private:
  RowFolder rows_;
  Database reader_;
  CommitFn commit_;
  ModelSet models_;
  FoldLimits limits_;
  FoldProgress progress_;
  int fact_slices_in_a_row_ = 0;
};

}  // namespace candor
