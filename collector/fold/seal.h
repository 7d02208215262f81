// Days are open for 35 days, then sealed: their folds become primary, the log rows behind them go
// ten days later, and the folds themselves go with the device's facts after 90 days.
//
// Sealing only moves meta.sealed_through_day. Ingest stores that day with each log row it commits;
// a row's windows of days sealed by then are counted as too late, all others are folded, also when
// a day was sealed between the row's commit and its folding. So what a day holds depends on the
// log alone, never on how far the folds had come.
//
// Each function runs within a transaction of the writing connection (Writer::Run), does a bounded
// piece of work and says how much it did; the caller comes back while there is more.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "common/sqlite.h"

namespace candor {

struct Retention {
  int open_days = 35;
  int log_days_after_sealing = 10;
  int fact_days = 90;
};

// Seals every day more than `open_days` before that of `now_ms` (UTC). Never goes back; stands
// still while a rebuild is under way. Gives the last sealed day.
absl::StatusOr<int64_t> SealDays(Database& db, int64_t now_ms, const Retention& retention = {});

// Days up to and including this one are sealed; before the first sealing, a day before all days.
absl::StatusOr<int64_t> ReadSealedThroughDay(Database& db);

// Deletes at most `rows_max` of the oldest log rows that are folded and lie behind days sealed ten
// days ago; never the newest row. Gives the number deleted.
absl::StatusOr<int64_t> PruneLog(Database& db, const Retention& retention = {},
                                 int rows_max = 2'000);

// Deletes all folds of at most `device_days_max` device-days that are sealed and older than
// `fact_days`, properties and unmeasured lists last told on such a day included (a laptop tells
// both anew every day), and the counts of what came too late for them. Gives the number deleted.
absl::StatusOr<int64_t> PruneFacts(Database& db, int64_t now_ms, const Retention& retention = {},
                                   int device_days_max = 200);

}  // namespace candor
