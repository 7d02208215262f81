// Shared by the files that make up the Spool; not for its users.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "agent/spool/schema.h"
#include "agent/spool/spool.h"
#include "common/status.h"

namespace candor {

struct Spool::Row {
  int64_t id = 0;
  uint64_t seq = 0;
  uint64_t seq_last = 0;
  bool tombstone = false;
  BatchState state = BatchState::kSealed;
  int64_t sealed_wall_ms = 0;
  int64_t sent_wall_ms = 0;
  uint64_t size = 0;
  std::string chain;
};

// A transaction that takes the copies in memory back with it when it does not commit.
class Spool::Step {
 public:
  static absl::StatusOr<Step> Begin(Spool& spool) {
    CANDOR_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*spool.db_));
    return Step(spool, std::move(transaction));
  }
  Step(Step&& other) noexcept
      : spool_(std::exchange(other.spool_, nullptr)),
        saved_(std::move(other.saved_)),
        transaction_(std::move(other.transaction_)) {}
  ~Step() {
    if (spool_ != nullptr) spool_->state_ = std::move(saved_);
  }
  absl::Status Commit() {
    CANDOR_RETURN_IF_ERROR(transaction_.Commit());
    spool_ = nullptr;
    return absl::OkStatus();
  }

 private:
  Step(Spool& spool, Transaction transaction)
      : spool_(&spool), saved_(spool.state_), transaction_(std::move(transaction)) {}
  Spool* spool_;
  State saved_;
  Transaction transaction_;
};

// The database itself is unusable, as against a full disk or a wrong call.
inline bool IsDamage(const absl::Status& status) {
  return status.code() == absl::StatusCode::kDataLoss ||
         status.code() == absl::StatusCode::kFailedPrecondition;
}
// NOLINTNEXTLINE(bugprone-return-const-ref-from-parameter): looked at in the caller's expression.
inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

template <typename F>
auto Spool::Guarded(F&& f) -> decltype(f()) {
  if (!db_) CANDOR_RETURN_IF_ERROR(OpenOrSetAside());
  auto result = f();
  if (absl::IsResourceExhausted(StatusOf(result)) && db_->Checkpoint().ok()) result = f();
  if (!IsDamage(StatusOf(result))) return result;
  const absl::Status cause = StatusOf(result);
  CANDOR_RETURN_IF_ERROR(SetAside(cause));
  CANDOR_RETURN_IF_ERROR(OpenOrSetAside());
  return absl::DataLossError(cause.message());
}

}  // namespace candor
