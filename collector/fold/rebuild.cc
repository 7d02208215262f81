#include "collector/fold/rebuild.h"

#include <algorithm>
#include <utility>

#include "collector/fold/rebuild_mark.h"
#include "collector/fold/seal.h"
#include "collector/fold/slice_store.h"
#include "collector/store/store.h"
#include "common/status.h"

namespace candor {
namespace {

absl::Status CommitOffline(Database& db, const FoldRunner::WriteFn& write) {
  CANDOR_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db));
  CANDOR_RETURN_IF_ERROR(write(db));
  return transaction.Commit();
}

absl::Status DeleteOpenDays(Database& db, int64_t sealed) {
  for (const char* table : {"day_fact", "event", "inventory", "software", "unmeasured", "too_late",
                            "score", "score_metric", "score_domain", "time_lost", "score_dirty"}) {
    CANDOR_ASSIGN_OR_RETURN(Statement remove,
                            db.Prepare(std::string("DELETE FROM ") + table + " WHERE day > ?"));
    CANDOR_RETURN_IF_ERROR(remove.BindAll(sealed).Run());
  }
  CANDOR_ASSIGN_OR_RETURN(Statement hours, db.Prepare("DELETE FROM hour_fact WHERE hour >= ?"));
  CANDOR_RETURN_IF_ERROR(hours.BindAll((sealed + 1) * 24).Run());
  CANDOR_ASSIGN_OR_RETURN(Statement fold, db.Prepare("DELETE FROM fold WHERE name = ?"));
  return fold.BindAll(kFactsFold).Run();
}

}  // namespace

absl::Status BeginRebuild(Store& store) {
  return CommitOffline(store.write_connection(), [](Database& db) -> absl::Status {
    CANDOR_ASSIGN_OR_RETURN(const int64_t watermark, ReadWatermark(db));
    CANDOR_ASSIGN_OR_RETURN(const auto unfinished, ReadRebuildMark(db));
    RebuildMark mark;
    CANDOR_ASSIGN_OR_RETURN(mark.sealed_day, ReadSealedThroughDay(db));
    mark.through_log = watermark;
    // An unfinished rebuild's sealed days hold rows beyond its watermark already.
    if (unfinished) mark.through_log = std::max(watermark, unfinished->through_log);
    CANDOR_RETURN_IF_ERROR(DeleteOpenDays(db, mark.sealed_day));
    return mark.through_log > 0 ? WriteRebuildMark(db, mark) : absl::OkStatus();
  });
}

absl::StatusOr<FoldProgress> FoldAll(Store& store, const ModelSet& models,
                                     const FoldObserver& observer, FoldLimits limits) {
  CANDOR_ASSIGN_OR_RETURN(Database reader, store.OpenReader());
  Database& db = store.write_connection();
  FoldRunner runner(
      std::move(reader),
      [&db](const FoldRunner::WriteFn& write) { return CommitOffline(db, write); }, models, limits);
  CANDOR_ASSIGN_OR_RETURN(const int64_t head, runner.LogHead());
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, runner.Step());
    if (observer) observer(runner.progress(), head);
    if (!more) return runner.progress();
  }
}

absl::StatusOr<FoldProgress> Rebuild(Store& store, const ModelSet& models,
                                     const FoldObserver& observer, FoldLimits limits) {
  CANDOR_RETURN_IF_ERROR(BeginRebuild(store));
  return FoldAll(store, models, observer, limits);
}

}  // namespace candor
