#include "collector/query/query_pool.h"

#include <atomic>
#include <future>
#include <thread>

#include "common/clock.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

struct Pool {
  explicit Pool(int threads) {
    auto started = QueryPool::Start(
        threads, [this] { return Database::Open(folder.File("p.db"), {}); }, clock);
    REQUIRE_OK(started);
    pool = *std::move(started);
  }
  testing::TempFolder folder;
  SystemClock clock;
  std::unique_ptr<QueryPool> pool;
};

TEST_CASE("Each thread has a connection of its own, and jobs run side by side") {
  Pool fixture(2);
  std::promise<Database*> first;
  std::promise<Database*> second;
  std::promise<void> both;
  const auto wait = both.get_future().share();
  for (auto* promise : {&first, &second}) {
    REQUIRE_OK(fixture.pool->Submit([promise, wait](Database& db) {
      promise->set_value(&db);
      wait.wait();
    }));
  }
  Database* a = first.get_future().get();
  Database* b = second.get_future().get();
  both.set_value();
  REQUIRE(a != b);
}

TEST_CASE("A job that is due sooner runs sooner") {
  Pool fixture(1);
  std::vector<int> order;
  std::promise<void> done;
  std::promise<void> go;
  REQUIRE_OK(fixture.pool->Submit([&](Database&) { go.get_future().wait(); }));
  REQUIRE_OK(fixture.pool->SubmitIn(30, [&](Database&) {
    order.push_back(2);
    done.set_value();
  }));
  REQUIRE_OK(fixture.pool->Submit([&](Database&) { order.push_back(1); }));
  go.set_value();
  done.get_future().wait();
  REQUIRE(order == std::vector<int>{1, 2});
}

TEST_CASE("A pool that is ending takes no more and drops what has not begun") {
  Pool fixture(1);
  std::atomic<int> ran = 0;
  std::promise<void> began;
  std::promise<void> go;
  REQUIRE_OK(fixture.pool->Submit([&](Database&) {
    began.set_value();
    go.get_future().wait();
    ++ran;
  }));
  began.get_future().wait();
  REQUIRE_OK(fixture.pool->Submit([&](Database&) { ++ran; }));
  fixture.pool->Stop();
  REQUIRE(absl::IsUnavailable(fixture.pool->Submit([&](Database&) { ++ran; })));
  go.set_value();
  fixture.pool.reset();
  REQUIRE(ran == 1);
}

TEST_CASE("Too much that waits is refused") {
  Pool fixture(1);
  std::promise<void> go;
  const auto wait = go.get_future().share();
  REQUIRE_OK(fixture.pool->Submit([wait](Database&) { wait.wait(); }));
  absl::Status status;
  size_t taken = 0;
  while (status.ok() && taken <= QueryPool::kWaitingMax + 1) {
    status = fixture.pool->Submit([](Database&) {});
    ++taken;
  }
  go.set_value();
  REQUIRE(absl::IsResourceExhausted(status));
}

}  // namespace
}  // namespace candor
