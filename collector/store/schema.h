// The embedded store's schema: one SQLite database, DIR/candor.db. Table by table, what is primary
// (exists nowhere else) and what is a fold (rederived by `rebuild`).
//
// Times are milliseconds since 1970 UTC, days and hours are counted since 1970 in the device's
// local time, device is device.no. Add a migration at the end; never change one that was released.
#pragma once

#include <string_view>
#include <vector>

namespace candor {

// For Database::Migrate.
const std::vector<std::string_view>& StoreMigrations();

// log.kind
enum class LogKind : int {
  kBatch = 0,      // sealed bytes to fold
  kTombstone = 1,  // sealed bytes of a tombstone
  kRefused = 2,    // no bytes: (seq, hash, reason), acknowledged as refused
  kGap = 3,        // no bytes: seq … seq_last never arrived and never will
};

}  // namespace candor
