#include "collector/query/query_pool.h"

#include <chrono>
#include <utility>

#include "common/status.h"

namespace candor {

absl::StatusOr<std::unique_ptr<QueryPool>> QueryPool::Start(
    int threads, const std::function<absl::StatusOr<Database>()>& open, const Clock& clock) {
  std::vector<Database> connections;
  for (int i = 0; i < threads; ++i) {
    CANDOR_ASSIGN_OR_RETURN(Database db, open());
    connections.push_back(std::move(db));
  }
  std::unique_ptr<QueryPool> pool(new QueryPool(clock));
  for (Database& db : connections) {
    pool->threads_.emplace_back(
        [raw = pool.get(), db = std::make_shared<Database>(std::move(db))]() mutable {
          raw->Loop(std::move(*db));
        });
  }
  return pool;
}

QueryPool::~QueryPool() {
  Stop();
  for (std::thread& thread : threads_) thread.join();
}

void QueryPool::Stop() {
  std::multimap<int64_t, Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
  }
  wake_.notify_all();
}

absl::Status QueryPool::SubmitIn(int64_t delay_ms, Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return absl::UnavailableError("the collector is stopping");
    if (waiting_.size() >= kWaitingMax) {
      return absl::ResourceExhaustedError("too many questions are waiting; try again");
    }
    waiting_.emplace(clock_.MonotonicMs() + delay_ms, std::move(job));
  }
  wake_.notify_one();
  return absl::OkStatus();
}

void QueryPool::Loop(Database db) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (waiting_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const int64_t wait_ms = waiting_.begin()->first - clock_.MonotonicMs();
    if (wait_ms > 0) {
      wake_.wait_for(lock, std::chrono::milliseconds(wait_ms));
      continue;
    }
    Job job = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    lock.unlock();
    job(db);
    job = nullptr;  // what it holds must not be released under the lock
    lock.lock();
  }
}

}  // namespace candor
