// The running collector's folds: a thread that keeps facts and scores up with the log.
//
// Ingest calls Notify after each commit; the folder waits a moment, so that one transaction serves
// many batches, then works in bounded slices through the committer, which ingest shares. Errors are
// logged and retried for ever with growing pauses; ingest goes on meanwhile.
//
// Thread-safe. `store` and `writer` must outlive the folder; it must be stopped (or destroyed)
// before the writer is.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/fold/fold_runner.h"
#include "collector/score/model.h"

namespace candor {

class Store;
class Writer;

struct FolderOptions {
  FoldLimits limits;
  int settle_ms = 500;  // pause between a notice and the work
};

struct FoldState {
  FoldProgress progress;
  int64_t rows_behind = 0;  // log rows not yet folded, as last seen
  absl::Status error;       // of the last pass
};

class Folder {
 public:
  Folder(Store& store, Writer& writer, ModelSet models, FolderOptions options = {});
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // Opens its own read connection and starts the thread, which first folds what is there.
  absl::Status Start();
  // Cheap; from any thread, the committer's too. `log_head` is the newest row where it is known.
  void Notify(int64_t log_head = 0);
  // Waits until everything committed before the call is folded and scored. The error of the pass
  // where it failed; Cancelled when the folder is stopped. Not from the committer's thread.
  absl::Status CatchUp();
  // Ends the thread after the slice at work. May be called twice.
  void Stop();

  FoldState state() const;

 private:
  void Loop(FoldRunner runner);
  absl::Status Pass(FoldRunner& runner);
  bool WaitForWork();
  bool WaitUnlessWanted(int64_t ms);
  void Publish(const FoldProgress& progress, int64_t head);

  Store& store_;
  Writer& writer_;
  ModelSet models_;
  FolderOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;    // for the thread
  std::condition_variable passed_;  // for those who wait in CatchUp
  bool notified_ = true;
  bool stopping_ = false;
  bool ended_ = true;
  uint64_t wanted_pass_ = 0;  // highest pass that somebody waits for
  uint64_t started_pass_ = 0;
  uint64_t ended_pass_ = 0;
  int64_t head_ = 0;
  FoldState state_;
  std::thread thread_;
};

}  // namespace candor
