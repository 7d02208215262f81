// What the store does not show as measured, and why: read from the tables that hold it, so that it
// is the same after a restart. Tables of the log reach back as far as retention.log, those of late
// data as far as retention.facts.
//
// Read-only; any connection, its thread. Quick: from indexes, never by walking the log.
#pragma once

#include <cstdint>
#include <set>

#include "absl/status/statusor.h"
#include "common/sqlite.h"

namespace candor {

struct Losses {
  // Epochs in which two laptops with one identity, or a restored disk, sent different batches, and
  // since when nobody enrolled anew under that host name. What they send waits in quarantine.
  int64_t forked_epochs = 0;
  int64_t quarantined = 0;  // batches in quarantine, of settled forks too
  int64_t gaps = 0;         // times a laptop no longer held what should have come next
  int64_t lost_places = 0;  // places of its sequence in them
  int64_t refused = 0;      // batches that could never be accepted
  int64_t tombstones = 0;   // times a full spool dropped batches
  int64_t dropped_places = 0;
  int64_t late_batches = 0;  // with data for days that were sealed already
  int64_t late_windows = 0;
  int64_t late_events = 0;
};

absl::StatusOr<Losses> ReadLosses(Database& db);
absl::StatusOr<Losses> ReadDeviceLosses(Database& db, int64_t device);

// device.no of every device with a forked epoch.
absl::StatusOr<std::set<int64_t>> ForkedDevices(Database& db);

}  // namespace candor
