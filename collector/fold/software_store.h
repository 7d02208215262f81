// What each device has installed (table software), as last-writer-wins over (time, epoch, seq), in
// whatever order lists and changes come. A whole list of a manager removes what is older than it.
//
// Names and versions are kept once for the whole fleet, under numbers of this database.
//
// One writer.
#pragma once

#include "absl/status/status.h"
#include "collector/fold/slice.h"
#include "common/sqlite.h"

namespace candor {

// Inside a transaction.
absl::Status WriteSoftware(Database& db, const Slice& slice);

}  // namespace candor
