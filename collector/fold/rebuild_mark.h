// A rebuild under way, remembered in the store (table meta), so that it can be cut short at any
// instant and goes on with the next start.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/sqlite.h"

namespace candor {

struct RebuildMark {
  int64_t through_log = 0;  // rows up to here had been folded before
  int64_t sealed_day = 0;  // days up to here were sealed, keep their folds and are not folded again
};

absl::StatusOr<std::optional<RebuildMark>> ReadRebuildMark(Database& db);
absl::Status WriteRebuildMark(Database& db, const RebuildMark& mark);
absl::Status ClearRebuildMark(Database& db);

}  // namespace candor
