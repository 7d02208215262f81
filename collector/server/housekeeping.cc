#include "collector/server/housekeeping.h"

#include <chrono>
#include <functional>

#include "common/log.h"
#include "common/status.h"
#include "common/time_text.h"
#include "common/time_units.h"

namespace candor {
namespace {

// Between two pieces of work, so that ingest gets its turns.
constexpr int64_t kBreathMs = 20;
constexpr int kQuarantineRowsMax = 500;

absl::StatusOr<int64_t> PruneQuarantine(Database& db, int64_t before_ms) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement prune,
      db.Prepare("DELETE FROM quarantine WHERE id IN "
                 "(SELECT id FROM quarantine WHERE received_ms < ? ORDER BY id LIMIT ?)"));
  prune.BindAll(before_ms, kQuarantineRowsMax);
  CANDOR_RETURN_IF_ERROR(prune.Run());
  return db.changes();
}

}  // namespace

Housekeeping::Housekeeping(Writer& writer, const Clock& clock, const Retention& retention)
    : writer_(writer), clock_(clock), retention_(retention) {}

Housekeeping::~Housekeeping() { Stop(); }

void Housekeeping::Start() {
  // Days are sealed before the first batch comes, so that none is taken for a day that is over.
  const absl::Status sealed = writer_.Run([this](Database& db) {
    std::lock_guard lock(mutex_);
    return SealDays(db, clock_.WallMs(), retention_).status();
  });
  if (!sealed.ok()) LogWarning("days not sealed", {{"error", std::string(sealed.message())}});
  thread_ = std::thread([this] { Loop(); });
}

void Housekeeping::SetRetention(const Retention& retention) {
  std::lock_guard lock(mutex_);
  retention_ = retention;
}

void Housekeeping::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Housekeeping::Pause(int64_t ms) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopping_; });
}

void Housekeeping::Loop() {
  for (int64_t pause_ms = kFirstRoundMs; Pause(pause_ms); pause_ms = kRoundMs) {
    const absl::StatusOr<HousekeepingDone> done = Round();
    if (absl::IsCancelled(done.status())) return;
    if (!done.ok()) {
      LogWarning("housekeeping failed, next try with the next round",
                 {{"error", std::string(done.status().message())}});
    } else if (done->log_rows + done->device_days + done->quarantined > 0) {
      LogInfo("retention", {{"log_rows", done->log_rows},
                            {"device_days", done->device_days},
                            {"quarantined", done->quarantined}});
    }
  }
}

absl::StatusOr<HousekeepingDone> Housekeeping::Round() {
  Retention retention;
  {
    std::lock_guard lock(mutex_);
    retention = retention_;
  }
  HousekeepingDone done;
  const int64_t now_ms = clock_.WallMs();
  using Work = std::function<absl::StatusOr<int64_t>(Database & db)>;
  // Comes back to `work` until it finds nothing more to do.
  const auto drain = [this](const Work& work, int64_t& total) -> absl::Status {
    for (;;) {
      int64_t count = 0;
      CANDOR_RETURN_IF_ERROR(writer_.Run([&](Database& db) -> absl::Status {
        CANDOR_ASSIGN_OR_RETURN(count, work(db));
        return absl::OkStatus();
      }));
      total += count;
      if (count == 0) return absl::OkStatus();
      if (!Pause(kBreathMs)) return absl::CancelledError("the collector is stopping");
    }
  };
  CANDOR_RETURN_IF_ERROR(writer_.Run([&](Database& db) -> absl::Status {
    CANDOR_ASSIGN_OR_RETURN(done.sealed_through_day, SealDays(db, now_ms, retention));
    return absl::OkStatus();
  }));
  CANDOR_RETURN_IF_ERROR(
      drain([&](Database& db) { return PruneLog(db, retention); }, done.log_rows));
  CANDOR_RETURN_IF_ERROR(
      drain([&](Database& db) { return PruneFacts(db, now_ms, retention); }, done.device_days));
  const int64_t log_days = retention.open_days + retention.log_days_after_sealing;
  CANDOR_RETURN_IF_ERROR(
      drain([&](Database& db) { return PruneQuarantine(db, now_ms - log_days * kMsPerDay); },
            done.quarantined));
  return done;
}

}  // namespace candor
