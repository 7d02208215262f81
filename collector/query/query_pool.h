// The threads that answer questions, each with a read connection of its own, so that gRPC's threads
// never wait for the store. Work is taken in the order of when it is due.
//
// Submit and SubmitAt from any thread. Destroying the pool drops what has not begun and waits for
// what has; the jobs themselves must then be told to hurry (their own cancelled flag).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/sqlite.h"

namespace candor {

class QueryPool {
 public:
  using Job = std::function<void(Database& db)>;

  static constexpr size_t kWaitingMax = 1'000;

  // Opens one connection a thread with `open`. `clock` must outlive the pool.
  static absl::StatusOr<std::unique_ptr<QueryPool>> Start(
      int threads, const std::function<absl::StatusOr<Database>()>& open, const Clock& clock);
  ~QueryPool();
  QueryPool(const QueryPool&) = delete;
  QueryPool& operator=(const QueryPool&) = delete;

  // ResourceExhausted when too much waits already, Unavailable when the pool is ending; then the
  // job will not run.
  absl::Status Submit(Job job) { return SubmitIn(0, std::move(job)); }
  absl::Status SubmitIn(int64_t delay_ms, Job job);

  // No further job begins, and later ones are refused.
  void Stop();

 private:
  explicit QueryPool(const Clock& clock) : clock_(clock) {}
  void Loop(Database db);

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<int64_t, Job> waiting_;  // by MonotonicMs of when it is due
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace candor
