#include "collector/query/run_limit.h"

#include <sqlite3.h>

#include "collector/query/text.h"

namespace candor {
RunLimit::RunLimit(const Clock& clock, int64_t limit_ms, const std::atomic<bool>* cancelled)
    : clock_(clock),
      limit_ms_(limit_ms),
      deadline_ms_(clock.MonotonicMs() + limit_ms),
      cancelled_(cancelled) {}

RunLimit::Guard::Guard(const RunLimit& limit, Database& db) : db_(db) {
  // SQLite hands the pointer back unchanged; nothing is written through it.
  sqlite3_progress_handler(db.handle(), kOperationsBetweenChecks, &RunLimit::OnProgress,
                           const_cast<RunLimit*>(&limit));
}

RunLimit::Guard::~Guard() { sqlite3_progress_handler(db_.handle(), 0, nullptr, nullptr); }

int RunLimit::OnProgress(void* limit) {
  return static_cast<const RunLimit*>(limit)->Check().ok() ? 0 : 1;
}

absl::Status RunLimit::Check() const {
  if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
    return absl::CancelledError("nobody waits for the answer");
  }
  if (clock_.MonotonicMs() >= deadline_ms_) {
    return absl::DeadlineExceededError(
        Concat("the answer takes longer than ", limit_ms_ / 1000, " s; ask for less"));
  }
  return absl::OkStatus();
}

absl::Status RunLimit::Explain(const absl::Status& status) const {
  if (status.ok()) return status;
  const absl::Status why = Check();
  return why.ok() ? status : why;
}

}  // namespace candor
