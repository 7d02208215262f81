#include "collector/store/writer.h"

#include <future>
#include <memory>
#include <utility>

#include "common/log.h"
#include "common/status.h"

namespace candor {
namespace {

// Runs one request so that its failure undoes nothing but itself. Aborted: the whole group is lost.
absl::Status RunInSavepoint(Database& db, const Writer::WriteFn& write) {
  CANDOR_RETURN_IF_ERROR(db.Execute("SAVEPOINT request"));
  absl::Status status = write(db);
  if (!db.in_transaction()) return status;
  if (!status.ok()) {
    CANDOR_RETURN_IF_ERROR(db.Execute("ROLLBACK TO request"));
  }
  CANDOR_RETURN_IF_ERROR(db.Execute("RELEASE request"));
  return status;
}

}  // namespace

Writer::Writer(Database& db) : db_(db), thread_([this] { Loop(); }) {}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::Submit(WriteFn write, DoneFn done) {
  {
    std::lock_guard lock(mutex_);
    pending_.push_back({std::move(write), std::move(done)});
  }
  wake_.notify_one();
}

absl::Status Writer::Run(WriteFn write) {
  // Shared, because the committer may still be inside set_value when the waiting side returns.
  auto promise = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> result = promise->get_future();
  Submit(std::move(write), [promise](const absl::Status& status) { promise->set_value(status); });
  return result.get();
}

size_t Writer::pending() const {
  std::lock_guard lock(mutex_);
  return pending_.size();
}

uint64_t Writer::commits() const {
  std::lock_guard lock(mutex_);
  return commits_;
}

absl::Status Writer::last_commit() const {
  std::lock_guard lock(mutex_);
  return last_commit_;
}

void Writer::Loop() {
  std::vector<Request> group;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
      if (pending_.empty()) return;
      group.swap(pending_);
    }
    CommitGroup(group);
    group.clear();
  }
}

void Writer::CommitGroup(std::vector<Request>& group) {
  std::vector<absl::Status> results(group.size());
  absl::Status whole = [&]() -> absl::Status {
    CANDOR_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
    for (size_t i = 0; i < group.size(); ++i) {
      results[i] = RunInSavepoint(db_, group[i].write);
      if (!db_.in_transaction()) {
        return results[i].ok() ? absl::InternalError("a write request ended the transaction")
                               : results[i];
      }
    }
    return transaction.Commit();
  }();
  {
    std::lock_guard lock(mutex_);
    if (whole.ok()) ++commits_;
    last_commit_ = whole;
  }
  if (!whole.ok()) {
    LogError("commit failed, its group is undone",
             {{"error", std::string(whole.message())},
              {"requests", static_cast<uint64_t>(group.size())}});
  }
  for (size_t i = 0; i < group.size(); ++i) {
    if (group[i].done) group[i].done(whole.ok() ? results[i] : whole);
  }
}

}  // namespace candor
