#include "collector/ingest/ingest_queue.h"

#include <atomic>
#include <future>
#include <memory>

#include "collector/ingest/batch_check.h"
#include "collector/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/collector/ingest/laptop.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::TempFolder;

// Keeps what it was told until the expected number of answers is there.
class Answers final : public IngestListener {
 public:
  void OnOpened(const absl::StatusOr<EpochPlace>& place) override { opened.set_value(place); }
  void OnAppended(const absl::StatusOr<BatchAnswer>& answer) override {
    std::lock_guard lock(mutex);
    answers.push_back(answer);
    changed.notify_all();
  }
  void OnAnswered() override { ++answered; }

  std::vector<absl::StatusOr<BatchAnswer>> Wait(size_t count) {
    std::unique_lock lock(mutex);
    REQUIRE(
        changed.wait_for(lock, std::chrono::seconds(60), [&] { return answers.size() >= count; }));
    return answers;
  }

  std::promise<absl::StatusOr<EpochPlace>> opened;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<absl::StatusOr<BatchAnswer>> answers;
  std::atomic<int> answered = 0;
};

struct QueueFixture {
  QueueFixture() {
    auto opened = Store::Open(folder.path());
    REQUIRE_OK(opened);
    store = *std::move(opened);
  }
  void Start() {
    writer = std::make_unique<Writer>(store->write_connection());
    queue = std::make_unique<IngestQueue>(*writer, stats, [this](int64_t head) { head_ = head; });
  }
  absl::StatusOr<EpochPlace> Open(const Laptop& laptop) {
    EpochHello hello;
    hello.device = 1;
    hello.epoch = laptop.epoch();
    hello.first_held = laptop.last_sealed() + 1;
    hello.last_sealed = laptop.last_sealed();
    auto opening = std::make_shared<Answers>();
    auto place = opening->opened.get_future();
    queue->Open(opening, hello);
    return place.get();
  }
  void Append(const Laptop& laptop, std::string sealed) {
    Arrival arrival = checker.Check(std::move(sealed), laptop.epoch(), 0);
    arrival.device = 1;
    queue->Append(listener, std::move(arrival));
  }
  int64_t Rows() { return *store->OpenReader()->QueryInt("SELECT count(*) FROM log"); }

  TempFolder folder;
  IngestStats stats;
  std::unique_ptr<Store> store;
  std::atomic<int64_t> head_ = 0;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<IngestQueue> queue;
  std::shared_ptr<Answers> listener = std::make_shared<Answers>();
  BatchChecker checker;
};

// Runs what `add` adds as one group.
template <typename Add>
void AsOneGroup(QueueFixture& f, Add add) {
  // The committer's thread may still be in them when this returns.
  const auto entered = std::make_shared<std::promise<void>>();
  const auto opened = std::make_shared<std::promise<void>>();
  f.writer->Submit(
      [entered, opened](Database&) {
        entered->set_value();
        opened->get_future().wait();
        return absl::OkStatus();
      },
      nullptr);
  entered->get_future().wait();
  add();
  opened->set_value();
}

TEST_CASE("an answer comes only after the row is on disk for others") {
  QueueFixture f;
  f.Start();
  Laptop laptop;
  REQUIRE_OK(f.Open(laptop));
  f.Append(laptop, laptop.Seal(1));
  REQUIRE(f.listener->Wait(1)[0]->verdict == Verdict::kStored);
  REQUIRE(f.Rows() == 1);
  REQUIRE(f.head_ == 1);
  REQUIRE(f.stats.pending_bytes == 0);
}

TEST_CASE("what waits is committed together, in order, and every batch is answered") {
  QueueFixture f;
  f.Start();
  Laptop laptop;
  REQUIRE_OK(f.Open(laptop));
  const uint64_t before = f.writer->commits();
  AsOneGroup(f, [&] {
    for (int i = 0; i < 200; ++i) f.Append(laptop, laptop.Seal(i));
    REQUIRE(f.writer->pending() == 1);
    REQUIRE(f.stats.pending_bytes > 0);
  });
  const auto answers = f.listener->Wait(200);
  for (size_t i = 0; i < answers.size(); ++i) {
    REQUIRE(answers[i]->verdict == Verdict::kStored);
    REQUIRE(answers[i]->through == i + 1);
  }
  REQUIRE(f.writer->commits() == before + 2);
}

TEST_CASE("a full disk answers every batch of the group with the error, and ingest recovers") {
  QueueFixture f;
  const int64_t pages = *f.store->write_connection().QueryInt("PRAGMA page_count");
  REQUIRE_OK(
      f.store->write_connection().Execute("PRAGMA max_page_count = " + std::to_string(pages + 2)));
  f.Start();
  Laptop laptop;
  REQUIRE_OK(f.Open(laptop));
  std::vector<std::string> sealed;
  for (int i = 0; i < 400; ++i) sealed.push_back(laptop.Seal(i));
  size_t stored = 0;
  size_t failed = 0;
  for (const std::string& bytes : sealed) f.Append(laptop, bytes);
  for (const auto& answer : f.listener->Wait(sealed.size())) {
    if (!answer.ok()) {
      REQUIRE(absl::IsResourceExhausted(answer.status()));
      ++failed;
    } else if (answer->verdict == Verdict::kStored) {
      ++stored;
    } else {
      REQUIRE(answer->verdict == Verdict::kAhead);
    }
  }
  REQUIRE(failed > 0);
  REQUIRE(f.Rows() == static_cast<int64_t>(stored));
  REQUIRE(f.stats.commit_failures > 0);

  REQUIRE_OK(
      f.writer->Run([](Database& db) { return db.Execute("PRAGMA max_page_count = 1000000"); }));
  f.listener = std::make_shared<Answers>();
  for (const std::string& bytes : sealed) f.Append(laptop, bytes);
  size_t acknowledged = 0;
  for (const auto& answer : f.listener->Wait(sealed.size())) {
    REQUIRE_OK(answer);
    acknowledged += answer->verdict == Verdict::kStored || answer->verdict == Verdict::kDuplicate;
  }
  REQUIRE(acknowledged == sealed.size());
  REQUIRE(f.Rows() == static_cast<int64_t>(sealed.size()));
  REQUIRE(f.stats.pending_bytes == 0);
}

TEST_CASE("a batch that meets a damaged row fails alone, its group is stored") {
  QueueFixture f;
  f.Start();
  Laptop damaged(1), sound(2);
  REQUIRE_OK(f.Open(damaged));
  REQUIRE_OK(f.Open(sound));
  Laptop dropped = damaged;
  dropped.Seal(1);
  const std::string tombstone = damaged.SealTombstone(1, dropped.chain_hash());
  f.Append(damaged, tombstone);
  REQUIRE(f.listener->Wait(1)[0]->verdict == Verdict::kStored);
  REQUIRE_OK(f.writer->Run(
      [](Database& db) { return db.Execute("UPDATE log SET sealed = x'ff' WHERE epoch = 1"); }));

  const uint64_t commits = f.writer->commits();
  AsOneGroup(f, [&] {
    for (int i = 0; i < 3; ++i) f.Append(sound, sound.Seal(i));
    f.Append(damaged, tombstone);
    f.Append(damaged, damaged.Seal(2));
    for (int i = 3; i < 6; ++i) f.Append(sound, sound.Seal(i));
  });
  const auto answers = f.listener->Wait(9);
  for (const size_t i : {1U, 2U, 3U, 5U, 6U, 7U, 8U}) {
    INFO(i);
    REQUIRE_OK(answers[i]);
    REQUIRE(answers[i]->verdict == Verdict::kStored);
  }
  REQUIRE_FALSE(answers[4].ok());
  REQUIRE(f.writer->commits() == commits + 2);  // what held it up, and the group
  REQUIRE(f.Rows() == 8);
  REQUIRE(f.head_ == 8);
  REQUIRE(f.stats.batches == 8);
  REQUIRE(f.stats.item_failures == 1);
  REQUIRE(f.stats.commit_failures == 0);
  REQUIRE(f.stats.pending_bytes == 0);
}

TEST_CASE("a write that fails for one laptop undoes that laptop's item only") {
  struct Case {
    const char* what;
    const char* trigger;
  };
  const auto c = GENERATE(
      Case{"the batch's row", "BEFORE INSERT ON log WHEN new.epoch = 1"},
      Case{"the cursor's row, after the batch's", "BEFORE UPDATE ON cursor WHEN new.epoch = 1"});
  INFO(c.what);
  QueueFixture f;
  f.Start();
  Laptop failing(1), sound(2);
  REQUIRE_OK(f.Open(failing));
  REQUIRE_OK(f.Open(sound));
  const auto raise = [&](Database& db) {
    return db.Execute(std::string("CREATE TRIGGER fail ") + c.trigger +
                      " BEGIN SELECT raise(ABORT, 'this laptop is unlucky'); END");
  };
  REQUIRE_OK(f.writer->Run(raise));
  const std::string first = failing.Seal(1);
  AsOneGroup(f, [&] {
    f.Append(sound, sound.Seal(1));
    f.Append(failing, first);
    f.Append(sound, sound.Seal(2));
  });
  auto answers = f.listener->Wait(3);
  REQUIRE(answers[0]->verdict == Verdict::kStored);
  REQUIRE(std::string(answers[1].status().message()).find("unlucky") != std::string::npos);
  REQUIRE(answers[2]->verdict == Verdict::kStored);
  REQUIRE(f.Rows() == 2);
  REQUIRE(f.head_ == 2);
  REQUIRE(f.stats.batches == 2);

  REQUIRE_OK(f.writer->Run([](Database& db) { return db.Execute("DROP TRIGGER fail"); }));
  f.Append(failing, first);
  REQUIRE(f.listener->Wait(4)[3]->verdict == Verdict::kStored);
  REQUIRE(f.Rows() == 3);
}

TEST_CASE("a batch of an epoch that was never opened fails alone") {
  QueueFixture f;
  f.Start();
  Laptop stranger(1), sound(2);
  REQUIRE_OK(f.Open(sound));
  AsOneGroup(f, [&] {
    f.Append(stranger, stranger.Seal(1));
    f.Append(sound, sound.Seal(1));
  });
  const auto answers = f.listener->Wait(2);
  REQUIRE(absl::IsFailedPrecondition(answers[0].status()));
  REQUIRE(answers[1]->verdict == Verdict::kStored);
}

TEST_CASE("a transaction that dies before ingest's turn still answers what waited") {
  QueueFixture f;
  f.Start();
  Laptop laptop;
  REQUIRE_OK(f.Open(laptop));
  std::promise<void> entered, opened;
  f.writer->Submit(
      [&](Database&) {
        entered.set_value();
        opened.get_future().wait();
        return absl::OkStatus();
      },
      nullptr);
  entered.get_future().wait();
  f.writer->Submit([](Database& db) { return db.Execute("ROLLBACK"); }, nullptr);
  const std::string first = laptop.Seal(1);
  f.Append(laptop, first);
  opened.set_value();
  REQUIRE_FALSE(f.listener->Wait(1)[0].ok());
  f.Append(laptop, first);
  REQUIRE(f.listener->Wait(2)[1]->verdict == Verdict::kStored);
}

TEST_CASE("a queue that ends answers what was submitted") {
  QueueFixture f;
  f.Start();
  Laptop laptop;
  REQUIRE_OK(f.Open(laptop));
  for (int i = 0; i < 50; ++i) f.Append(laptop, laptop.Seal(i));
  f.queue.reset();
  REQUIRE(f.listener->answers.size() == 50);
  REQUIRE(f.listener->answered > 0);
}

}  // namespace
}  // namespace candor
