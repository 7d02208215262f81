// An end to a question: its deadline, or that nobody waits for the answer any more. Reaches into a
// running SQL statement through SQLite's progress handler. One thread; `cancelled` from any.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/sqlite.h"

namespace candor {

class RunLimit {
 public:
  // Steps of SQLite's machine between two looks at a limit: some tens of microseconds.
  static constexpr int kOperationsBetweenChecks = 10'000;

  // `cancelled` may be null. Everything given must outlive the object.
  RunLimit(const Clock& clock, int64_t limit_ms, const std::atomic<bool>* cancelled);

  // Ends what runs on this connection when time is up, until the object Guard gives goes.
  class Guard {
   public:
    Guard(const RunLimit& limit, Database& db);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    Database& db_;
  };

  // OK, Cancelled or DeadlineExceeded.
  absl::Status Check() const;
  // An error of SQLite that this limit caused, in the limit's own words; others unchanged.
  absl::Status Explain(const absl::Status& status) const;

 private:
  static int OnProgress(void* limit);
  const Clock& clock_;
  int64_t limit_ms_;
  int64_t deadline_ms_;  // MonotonicMs
  const std::atomic<bool>* cancelled_;
};

}  // namespace candor
