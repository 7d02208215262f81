// Laptops at their worst against the rules of the log: batches sent twice, out of step and long
// after, acknowledgements lost, spools that drop what they hold, commits that fail, collectors that
// restart. Whatever happens, each place ends in the log once, as what was sealed there or as a
// tombstone that stands for it; nothing acknowledged is missing; nobody is taken for a fork.
#include <deque>

#include "collector/ingest/batch_check.h"
#include "collector/ingest/log_appender.h"
#include "collector/ingest/log_check.h"
#include "collector/store/store.h"
#include "common/random.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/collector/ingest/laptop.h"

namespace candor {
namespace {

using testing::TempFolder;

// A spool that drops: everything sealed in one chain, and what is held of it.
class Spool {
 public:
  explicit Spool(uint64_t epoch) : laptop_(epoch) {}

  struct Held {
    uint64_t seq = 0;
    uint64_t seq_last = 0;
    std::string sealed;
    std::string predecessor;
  };

  void Seal(int64_t value) {
    Held held;
    held.predecessor = laptop_.chain_hash();
    held.sealed = laptop_.Seal(value);
    held.seq = held.seq_last = laptop_.last_sealed();
    chain_.push_back(laptop_.chain_hash());
    held_.push_back(std::move(held));
  }

  // Some neighbours become one tombstone.
  void Drop(Random& random) {
    if (held_.empty()) return;
    const size_t first = random.Below(held_.size());
    const size_t count = 1 + random.Below(std::min<size_t>(4, held_.size() - first));
    Held tombstone;
    tombstone.seq = held_[first].seq;
    tombstone.seq_last = held_[first + count - 1].seq_last;
    tombstone.predecessor = held_[first].predecessor;
    v1::Tombstone content;
    content.set_seq_last(tombstone.seq_last);
    content.set_last_hash(chain_[tombstone.seq_last - 1]);
    content.set_reason(v1::Tombstone::SPOOL_FULL);
    tombstone.sealed = SealTombstone({laptop_.epoch(), tombstone.seq, tombstone.predecessor},
                                     BatchClass::kWindows, 1'788'000'000'000, content);
    const auto at = held_.begin() + static_cast<std::ptrdiff_t>(first);
    held_.erase(at, at + static_cast<std::ptrdiff_t>(count));
    held_.insert(held_.begin() + static_cast<std::ptrdiff_t>(first), std::move(tombstone));
  }

  void Acknowledge(uint64_t through) {
    while (!held_.empty() && held_.front().seq_last <= through) held_.pop_front();
  }

  uint64_t epoch() const { return laptop_.epoch(); }
  uint64_t last_sealed() const { return laptop_.last_sealed(); }
  uint64_t first_held() const { return held_.empty() ? last_sealed() + 1 : held_.front().seq; }
  const std::deque<Held>& held() const { return held_; }
  const std::string& chain(uint64_t seq) const { return chain_[seq - 1]; }

 private:
  testing::Laptop laptop_;
  std::vector<std::string> chain_;
  std::deque<Held> held_;
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    Reopen();
    for (uint64_t epoch = 1; epoch <= 3; ++epoch) spools_.emplace_back(epoch);
  }

  void Step() {
    Spool& spool = spools_[random_.Below(spools_.size())];
    switch (random_.Below(8)) {
      case 0:
      case 1:
      case 2:
        spool.Seal(static_cast<int64_t>(random_.Below(1'000)));
        break;
      case 3:
        if (random_.Below(3) == 0) spool.Drop(random_);
        break;
      case 4:
      case 5:
        Push(spool, random_.Below(4) == 0);
        break;
      case 6:
        DeliverStale();
        break;
      default:
        if (random_.Below(10) == 0) Reopen();
        break;
    }
  }

  // Everything arrives at last.
  void Settle() {
    while (!stale_.empty()) DeliverStale();
    for (Spool& spool : spools_) Push(spool, false);
  }

  void Verify() {
    REQUIRE(stats_.forks == 0);
    REQUIRE(*db().QueryInt("SELECT count(*) FROM quarantine") == 0);
    auto check = CheckLog(db());
    REQUIRE_OK(check);
    CAPTURE(check->findings);
    REQUIRE(check->wrong == 0);
    for (const Spool& spool : spools_) VerifyEpoch(spool);
  }

 private:
  Database& db() { return store_->write_connection(); }

  void Reopen() {
    appender_.reset();
    store_.reset();
    auto opened = Store::Open(folder_.path());
    REQUIRE_OK(opened);
    store_ = *std::move(opened);
    appender_ = std::make_unique<LogAppender>(stats_);
    REQUIRE_OK(db().Execute("PRAGMA synchronous = OFF"));
    REQUIRE_OK(db().Execute(
        "INSERT OR IGNORE INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
        "certificate_not_after_ms) VALUES (1, 'device', 'host', 0, '00', 0)"));
  }

  // One transaction; sometimes it fails at the very end. The answers, none where it failed.
  std::vector<BatchAnswer> Commit(const std::vector<std::string>& sealed, uint64_t epoch) {
    auto transaction = Transaction::Begin(db());
    REQUIRE_OK(transaction);
    REQUIRE_OK(appender_->Begin(db()));
    std::vector<BatchAnswer> answers;
    for (const std::string& bytes : sealed) {
      Arrival arrival = checker_.Check(bytes, epoch, 0);
      arrival.device = 1;
      auto answer = appender_->Append(arrival);
      REQUIRE_OK(answer);
      answers.push_back(*answer);
    }
    REQUIRE_OK(appender_->End());
    if (random_.Below(6) == 0) {
      appender_->Abandoned();
      return {};
    }
    REQUIRE_OK(transaction->Commit());
    appender_->Committed();
    return answers;
  }

  uint64_t Open(const Spool& spool) {
    auto transaction = Transaction::Begin(db());
    REQUIRE_OK(transaction);
    REQUIRE_OK(appender_->Begin(db()));
    EpochHello hello;
    hello.device = 1;
    hello.epoch = spool.epoch();
    hello.first_held = spool.first_held();
    hello.last_sealed = spool.last_sealed();
    auto place = appender_->Open(hello);
    REQUIRE_OK(place);
    REQUIRE(place->lost_places == 0);
    REQUIRE(place->next_seq <= spool.last_sealed() + 1);
    REQUIRE_OK(appender_->End());
    REQUIRE_OK(transaction->Commit());
    appender_->Committed();
    return place->next_seq;
  }

  // Sends what is held in groups; `cut` ends it somewhere and leaves messages on the way.
  void Push(Spool& spool, bool cut) {
    const uint64_t next = Open(spool);
    spool.Acknowledge(next - 1);
    const std::deque<Spool::Held> sending = spool.held();
    size_t at = 0;
    while (at < sending.size()) {
      if (cut && random_.Below(3) == 0) break;
      std::vector<std::string> group;
      for (uint64_t n = 1 + random_.Below(5); n > 0 && at < sending.size(); --n) {
        group.push_back(sending[at++].sealed);
        if (random_.Below(5) == 0) group.push_back(group.back());
      }
      std::vector<BatchAnswer> answers = Commit(group, spool.epoch());
      while (answers.empty()) answers = Commit(group, spool.epoch());
      uint64_t through = 0;
      for (const BatchAnswer& answer : answers) {
        REQUIRE((answer.verdict == Verdict::kStored || answer.verdict == Verdict::kDuplicate));
        through = std::max(through, answer.through);
      }
      if (random_.Below(4) != 0) spool.Acknowledge(through);
    }
    for (; at < sending.size() && random_.Below(2) == 0; ++at) {
      stale_.push_back({spool.epoch(), sending[at].sealed});
    }
  }

  // A message of a stream that ended long ago.
  void DeliverStale() {
    if (stale_.empty()) return;
    const size_t at = random_.Below(stale_.size());
    const auto [epoch, sealed] = stale_[at];
    stale_.erase(stale_.begin() + static_cast<std::ptrdiff_t>(at));
    for (const BatchAnswer& answer : Commit({sealed}, epoch)) {
      REQUIRE(answer.verdict != Verdict::kQuarantined);
    }
  }

  void VerifyEpoch(const Spool& spool) {
    auto rows = db().Prepare(
        "SELECT seq, seq_last, kind, hash FROM log WHERE device = 1 AND epoch = ? ORDER BY seq");
    REQUIRE_OK(rows);
    rows->BindAll(spool.epoch());
    uint64_t next = 1;
    for (;;) {
      auto more = rows->Step();
      REQUIRE_OK(more);
      if (!*more) break;
      REQUIRE(static_cast<uint64_t>(rows->Int(0)) == next);
      if (static_cast<LogKind>(rows->Int(2)) == LogKind::kBatch) {
        REQUIRE(rows->BlobAt(3) == spool.chain(next));
      } else {
        REQUIRE(static_cast<LogKind>(rows->Int(2)) == LogKind::kTombstone);
      }
      next = static_cast<uint64_t>(rows->Int(1)) + 1;
    }
    REQUIRE(next == spool.last_sealed() + 1);
  }

  struct Stale {
    uint64_t epoch;
    std::string sealed;
  };

  TempFolder folder_;
  SeededRandom random_;
  IngestStats stats_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<LogAppender> appender_;
  BatchChecker checker_;
  std::vector<Spool> spools_;
  std::vector<Stale> stale_;
};

TEST_CASE("whatever laptops and collectors go through, each place is in the log once") {
  const auto seed = static_cast<uint64_t>(GENERATE(range(1, 25)));
  CAPTURE(seed);
  World world(seed);
  for (int step = 0; step < 400; ++step) world.Step();
  world.Settle();
  world.Verify();
}

}  // namespace
}  // namespace candor
