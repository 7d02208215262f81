#include "collector/fold/seal.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "collector/fold/rebuild_mark.h"
#include "collector/fold/slice_store.h"
#include "common/status.h"
#include "common/time_text.h"
#include "common/time_units.h"

namespace candor {
namespace {

absl::Status DeleteDeviceDay(Database& db, int64_t device, int64_t day) {
  for (const char* table : {"day_fact", "event", "inventory", "software", "unmeasured", "score",
                            "score_metric", "score_domain", "time_lost", "score_dirty"}) {
    CANDOR_ASSIGN_OR_RETURN(Statement remove, db.Prepare(std::string("DELETE FROM ") + table +
                                                         " WHERE device = ? AND day = ?"));
    CANDOR_RETURN_IF_ERROR(remove.BindAll(device, day).Run());
  }
  CANDOR_ASSIGN_OR_RETURN(
      Statement hours,
      db.Prepare("DELETE FROM hour_fact WHERE device = ? AND hour BETWEEN ? AND ?"));
  return hours.BindAll(device, day * 24, day * 24 + 23).Run();
}

}  // namespace

absl::StatusOr<int64_t> SealDays(Database& db, int64_t now_ms, const Retention& retention) {
  CANDOR_ASSIGN_OR_RETURN(const int64_t sealed, ReadSealedThroughDay(db));
  CANDOR_ASSIGN_OR_RETURN(const auto rebuild, ReadRebuildMark(db));
  const int64_t day = LocalDay(now_ms, 0) - retention.open_days - 1;
  if (rebuild || day <= sealed) return sealed;
  CANDOR_ASSIGN_OR_RETURN(Statement insert, db.Prepare("INSERT OR REPLACE INTO meta (key, value)"
                                                       " VALUES ('sealed_through_day', ?)"));
  CANDOR_RETURN_IF_ERROR(insert.BindAll(day).Run());
  return day;
}

absl::StatusOr<int64_t> PruneLog(Database& db, const Retention& retention, int rows_max) {
  CANDOR_ASSIGN_OR_RETURN(const int64_t sealed, ReadSealedThroughDay(db));
  CANDOR_ASSIGN_OR_RETURN(const int64_t watermark, ReadWatermark(db));
  // A row holds no day later than the one after it came (slice.cc), so one that came so long ago
  // lies behind sealed days altogether. Rows are in the order they came. The newest row stays
  // whatever its age: ids go on from it, and must never fall behind the watermark.
  const int64_t received_before = (sealed - retention.log_days_after_sealing + 1) * kMsPerDay;
  CANDOR_ASSIGN_OR_RETURN(
      Statement remove,
      db.Prepare("DELETE FROM log WHERE id IN (SELECT id FROM log WHERE id <= ? AND id <"
                 " (SELECT max(id) FROM log) ORDER BY id LIMIT ?)"
                 " AND received_ms < ?"));
  CANDOR_RETURN_IF_ERROR(remove.BindAll(watermark, rows_max, received_before).Run());
  return db.changes();
}

absl::StatusOr<int64_t> PruneFacts(Database& db, int64_t now_ms, const Retention& retention,
                                   int device_days_max) {
  CANDOR_ASSIGN_OR_RETURN(const int64_t sealed, ReadSealedThroughDay(db));
  const int64_t last = std::min(sealed, LocalDay(now_ms, 0) - retention.fact_days - 1);
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare("SELECT device, day FROM day_fact WHERE day <= ? ORDER BY day, device LIMIT ?"));
  select.BindAll(last, device_days_max);
  std::vector<std::pair<int64_t, int64_t>> old;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) break;
    old.emplace_back(select.Int(0), select.Int(1));
  }
  for (const auto& [device, day] : old) CANDOR_RETURN_IF_ERROR(DeleteDeviceDay(db, device, day));
  CANDOR_ASSIGN_OR_RETURN(Statement late, db.Prepare("DELETE FROM too_late WHERE day <= ?"));
  CANDOR_RETURN_IF_ERROR(late.BindAll(last).Run());
  return static_cast<int64_t>(old.size());
}

}  // namespace candor
