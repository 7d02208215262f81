#include "collector/store/writer.h"

#include <atomic>
#include <future>
#include <thread>

#include "collector/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using testing::TempFolder;

struct WrittenStore {
  WrittenStore() {
    auto opened = Store::Open(folder.path());
    REQUIRE_OK(opened);
    store = *std::move(opened);
    REQUIRE_OK(db().Execute("CREATE TABLE t (x INTEGER PRIMARY KEY, y BLOB)"));
  }
  Database& db() { return store->write_connection(); }
  int64_t Rows() { return *store->OpenReader()->QueryInt("SELECT count(*) FROM t"); }

  TempFolder folder;
  std::unique_ptr<Store> store;
};

Writer::WriteFn Insert(int x) {
  return [x](Database& db) {
    return db.Execute("INSERT INTO t (x) VALUES (" + std::to_string(x) + ")");
  };
}

// Holds the committer inside a request until Open.
class Gate {
 public:
  Writer::WriteFn Write() {
    return [this](Database&) {
      entered_.set_value();
      opened_.get_future().wait();
      return absl::OkStatus();
    };
  }
  void WaitEntered() { entered_.get_future().wait(); }
  void Open() { opened_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> opened_;
};

TEST_CASE("how the last group ended is known until another one ends") {
  WrittenStore f;
  REQUIRE_OK(f.db().Execute("PRAGMA max_page_count = 1"));  // the pages there are, at least
  Writer writer(f.db());
  REQUIRE_OK(writer.last_commit());
  const absl::Status full = writer.Run(
      [](Database& db) { return db.Execute("INSERT INTO t (y) VALUES (zeroblob(1000000))"); });
  REQUIRE_FALSE(full.ok());
  REQUIRE(writer.last_commit() == full);
  REQUIRE_OK(writer.Run([](Database& db) { return db.Execute("DELETE FROM t"); }));
  REQUIRE_OK(writer.last_commit());
}

TEST_CASE("what was reported done is there for another connection") {
  WrittenStore f;
  Writer writer(f.db());
  std::promise<int64_t> rows_at_done;
  writer.Submit(Insert(1),
                [&](absl::Status status) { rows_at_done.set_value(status.ok() ? f.Rows() : -1); });
  REQUIRE(rows_at_done.get_future().get() == 1);
}

TEST_CASE("everything that waits shares one commit") {
  WrittenStore f;
  Writer writer(f.db());
  Gate gate;
  writer.Submit(gate.Write(), nullptr);
  gate.WaitEntered();
  for (int i = 1; i <= 100; ++i) writer.Submit(Insert(i), nullptr);
  REQUIRE(writer.pending() == 100);
  gate.Open();
  REQUIRE_OK(writer.Run(Insert(101)));
  REQUIRE(f.Rows() == 101);
  REQUIRE(writer.commits() <= 3);
}

TEST_CASE("a request that fails is undone alone") {
  WrittenStore f;
  Writer writer(f.db());
  Gate gate;
  writer.Submit(gate.Write(), nullptr);
  gate.WaitEntered();
  std::promise<absl::Status> before, failed, after;
  writer.Submit(Insert(1), [&](absl::Status s) { before.set_value(s); });
  writer.Submit(
      [](Database& db) {
        absl::Status inserted = db.Execute("INSERT INTO t (x) VALUES (2)");
        return inserted.ok() ? absl::AbortedError("changed its mind") : inserted;
      },
      [&](absl::Status s) { failed.set_value(s); });
  writer.Submit(Insert(3), [&](absl::Status s) { after.set_value(s); });
  gate.Open();
  REQUIRE_OK(before.get_future().get());
  REQUIRE(absl::IsAborted(failed.get_future().get()));
  REQUIRE_OK(after.get_future().get());
  REQUIRE(*f.store->OpenReader()->QueryText("SELECT group_concat(x) FROM t") == "1,3");
}

TEST_CASE("a full disk fails the whole group and the next one goes on") {
  WrittenStore f;
  const int64_t pages = *f.db().QueryInt("PRAGMA page_count");
  REQUIRE_OK(f.db().Execute("PRAGMA max_page_count = " + std::to_string(pages + 2)));
  Writer writer(f.db());
  Gate gate;
  writer.Submit(gate.Write(), nullptr);
  gate.WaitEntered();
  std::promise<absl::Status> small, large;
  writer.Submit(Insert(1), [&](absl::Status s) { small.set_value(s); });
  writer.Submit(
      [](Database& db) { return db.Execute("INSERT INTO t (x, y) VALUES (2, zeroblob(4000000))"); },
      [&](absl::Status s) { large.set_value(s); });
  gate.Open();
  const absl::Status small_status = small.get_future().get();
  const absl::Status large_status = large.get_future().get();
  REQUIRE(absl::IsResourceExhausted(large_status));
  // What was told is what is there, whether or not the transaction survived the error.
  REQUIRE(f.Rows() == (small_status.ok() ? 1 : 0));

  REQUIRE_OK(writer.Run(Insert(10)));
  REQUIRE_OK(writer.Run([&](Database& db) { return db.Execute("INSERT INTO t (x) VALUES (11)"); }));
  REQUIRE(f.Rows() == (small_status.ok() ? 3 : 2));
}

TEST_CASE("a request that ends the transaction itself loses only its group") {
  WrittenStore f;
  Writer writer(f.db());
  const absl::Status status = writer.Run([](Database& db) { return db.Execute("ROLLBACK"); });
  REQUIRE_FALSE(status.ok());
  REQUIRE_OK(writer.Run(Insert(1)));
  REQUIRE(f.Rows() == 1);
}

TEST_CASE("a writer that ends commits what was submitted") {
  WrittenStore f;
  std::atomic<int> done = 0;
  {
    Writer writer(f.db());
    for (int i = 0; i < 500; ++i) {
      writer.Submit(Insert(i), [&](absl::Status s) { done += s.ok() ? 1 : 0; });
    }
  }
  REQUIRE(done == 500);
  REQUIRE(f.Rows() == 500);
}

TEST_CASE("many threads submit at once and every row arrives once") {
  WrittenStore f;
  Writer writer(f.db());
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) failures += writer.Run(Insert(t * 1000 + i)).ok() ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(failures == 0);
  REQUIRE(f.Rows() == 400);
}

}  // namespace
}  // namespace candor
