// The folds worked offline, over a store that no collector is running on: catching up, and deriving
// the folds of all open days anew.
//
// A rebuild keeps the folds of sealed days: they are primary, their log rows may be gone. What it
// deletes and derives again is everything of open days. It can be cut short at any instant: the
// store remembers it (rebuild_mark.h) and the next collector or offline command goes on with it.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/fold/fold_runner.h"
#include "collector/score/model.h"

namespace candor {

class Store;

// Called after each slice with what is done so far and the log's last row.
using FoldObserver = std::function<void(const FoldProgress& progress, int64_t log_head)>;

// Folds and scores everything that is in the log.
absl::StatusOr<FoldProgress> FoldAll(Store& store, const ModelSet& models,
                                     const FoldObserver& observer = {}, FoldLimits limits = {});

// Deletes the folds of open days and derives them again from the log.
absl::StatusOr<FoldProgress> Rebuild(Store& store, const ModelSet& models,
                                     const FoldObserver& observer = {}, FoldLimits limits = {});

// The first half of Rebuild: deletes, marks, and sets the watermark back, in one transaction.
absl::Status BeginRebuild(Store& store);

}  // namespace candor
