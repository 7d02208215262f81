#include "collector/fold/folder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "collector/store/store.h"
#include "collector/store/writer.h"
#include "common/log.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr int64_t kRetryMs = 1'000;
constexpr int64_t kRetryMsMax = 60'000;

}  // namespace

Folder::Folder(Store& store, Writer& writer, ModelSet models, FolderOptions options)
    : store_(store), writer_(writer), models_(std::move(models)), options_(options) {}

Folder::~Folder() { Stop(); }

absl::Status Folder::Start() {
  CANDOR_ASSIGN_OR_RETURN(Database reader, store_.OpenReader());
  FoldRunner runner(
      std::move(reader),
      [this](FoldRunner::WriteFn write) { return writer_.Run(std::move(write)); }, models_,
      options_.limits);
  std::lock_guard lock(mutex_);
  ended_ = false;
  thread_ = std::thread(
      [this, moved = std::make_shared<FoldRunner>(std::move(runner))] { Loop(std::move(*moved)); });
  return absl::OkStatus();
}

void Folder::Notify(int64_t log_head) {
  {
    std::lock_guard lock(mutex_);
    head_ = std::max(head_, log_head);
    if (notified_) return;
    notified_ = true;
  }
  wake_.notify_one();
}

absl::Status Folder::CatchUp() {
  std::unique_lock lock(mutex_);
  // A pass that is already under way may have looked at the log before the call.
  const uint64_t pass = started_pass_ + 1;
  wanted_pass_ = std::max(wanted_pass_, pass);
  wake_.notify_one();
  passed_.wait(lock, [&] { return ended_ || ended_pass_ >= pass; });
  if (ended_pass_ < pass) return absl::CancelledError("the folds were stopped");
  return state_.error;
}

void Folder::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

FoldState Folder::state() const {
  std::lock_guard lock(mutex_);
  FoldState state = state_;
  state.rows_behind = std::max<int64_t>(0, head_ - state.progress.watermark);
  return state;
}

void Folder::Loop(FoldRunner runner) {
  int64_t retry_ms = kRetryMs;
  while (WaitForWork()) {
    const absl::Status status = Pass(runner);
    {
      std::lock_guard lock(mutex_);
      state_.error = status;
      ended_pass_ = started_pass_;
      if (!status.ok()) notified_ = true;
    }
    passed_.notify_all();
    if (status.ok() || absl::IsCancelled(status)) {
      retry_ms = kRetryMs;
      continue;
    }
    LogError("folding failed, trying again",
             {{"error", std::string(status.message())}, {"retry_ms", retry_ms}});
    WaitUnlessWanted(retry_ms);
    retry_ms = std::min(retry_ms * 2, kRetryMsMax);
  }
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  passed_.notify_all();
}

// False when the folder is to end.
bool Folder::WaitForWork() {
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return stopping_ || notified_ || wanted_pass_ > ended_pass_; });
  }
  WaitUnlessWanted(options_.settle_ms);
  std::lock_guard lock(mutex_);
  notified_ = false;
  if (!stopping_) ++started_pass_;
  return !stopping_;
}

// Waits `ms`, but not while somebody waits for the result or for the end.
bool Folder::WaitUnlessWanted(int64_t ms) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, std::chrono::milliseconds(ms),
                        [&] { return stopping_ || wanted_pass_ > ended_pass_; });
}

absl::Status Folder::Pass(FoldRunner& runner) {
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const int64_t head, runner.LogHead());
    CANDOR_ASSIGN_OR_RETURN(const bool more, runner.Step());
    Publish(runner.progress(), head);
    if (!more) return absl::OkStatus();
    std::lock_guard lock(mutex_);
    if (stopping_) return absl::CancelledError("the folds were stopped");
  }
}

void Folder::Publish(const FoldProgress& progress, int64_t head) {
  std::lock_guard lock(mutex_);
  state_.progress = progress;
  head_ = std::max(head_, head);
}

}  // namespace candor
