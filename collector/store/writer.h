// The one committer: a thread that owns the store's writing connection. It swaps the whole pending
// queue into each transaction, with no timer: the previous sync sets the size of the next group.
// Each request runs in a savepoint of its own; when it fails, only it is undone. `done` is called
// on the committer's thread after the commit is on disk (or failed): it must not block.
//
// A failed commit (disk full) fails every request of its group with that error and the committer
// goes on with the next. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "common/sqlite.h"

namespace candor {

class Writer {
 public:
  using WriteFn = std::function<absl::Status(Database& db)>;
  using DoneFn = std::function<void(absl::Status status)>;

  // `db` must outlive the writer and is touched by nobody else while it runs.
  explicit Writer(Database& db);
  // Commits what was submitted, then ends the thread.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Submit(WriteFn write, DoneFn done);
  // Submits and waits; not from the committer's thread.
  absl::Status Run(WriteFn write);

  // Requests not yet committed: what admission control looks at.
  size_t pending() const;
  uint64_t commits() const;
  // How the last group ended: an error while nothing can be written, a full disk say.
  absl::Status last_commit() const;

 private:
  struct Request {
    WriteFn write;
    DoneFn done;
  };
  void Loop();
  void CommitGroup(std::vector<Request>& group);

  Database& db_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Request> pending_;
  uint64_t commits_ = 0;
  absl::Status last_commit_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace candor
