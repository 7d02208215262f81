#include "collector/ingest/log_appender.h"

#include "candor/v1/ingest.pb.h"
#include "collector/ingest/batch_check.h"
#include "collector/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/collector/ingest/laptop.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::TempFolder;

constexpr int64_t kDevice = 7;
constexpr int64_t kNowMs = 1'790'000'000'000;

class AppendedLog {
 public:
  AppendedLog() { Reopen(); }

  // As after a restart: nothing is remembered but what was committed.
  void Reopen() {
    appender.reset();
    store.reset();
    auto opened = Store::Open(folder.path());
    REQUIRE_OK(opened);
    store = *std::move(opened);
    appender = std::make_unique<LogAppender>(stats);
    REQUIRE_OK(db().Execute(
        "INSERT OR IGNORE INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
        "certificate_not_after_ms) VALUES (7, 'device', 'host', 0, '00', 0)"));
  }

  Database& db() { return store->write_connection(); }

  template <typename Fn>
  auto InTransaction(Fn fn) {
    auto transaction = Transaction::Begin(db());
    REQUIRE_OK(transaction);
    REQUIRE_OK(appender->Begin(db()));
    auto result = fn();
    REQUIRE_OK(appender->End());
    REQUIRE_OK(transaction->Commit());
    appender->Committed();
    return result;
  }

  EpochPlace Open(const Laptop& laptop, uint64_t first_held, uint64_t last_sealed) {
    EpochHello hello;
    hello.device = kDevice;
    hello.epoch = laptop.epoch();
    hello.first_held = first_held;
    hello.last_sealed = last_sealed;
    hello.agent_version = "0.1.0";
    hello.received_ms = now_ms;
    auto place = InTransaction([&] { return appender->Open(hello); });
    REQUIRE_OK(place);
    return *place;
  }
  EpochPlace Open(const Laptop& laptop) { return Open(laptop, 1, laptop.last_sealed()); }

  BatchAnswer Append(const Laptop& laptop, const std::string& sealed, uint64_t place = 0) {
    Arrival arrival = checker.Check(sealed, laptop.epoch(), place);
    arrival.device = kDevice;
    arrival.received_ms = now_ms;
    arrival.skew_ms = -250;
    auto answer = InTransaction([&] { return appender->Append(arrival); });
    REQUIRE_OK(answer);
    return *answer;
  }

  uint64_t Stored(const Laptop& laptop) {
    return static_cast<uint64_t>(
        *db().QueryInt("SELECT seq FROM cursor WHERE epoch = " +
                       std::to_string(static_cast<int64_t>(laptop.epoch()))));
  }
  int64_t Rows(const std::string& table) { return *db().QueryInt("SELECT count(*) FROM " + table); }

  TempFolder folder;
  IngestStats stats;
  std::unique_ptr<Store> store;
  std::unique_ptr<LogAppender> appender;
  BatchChecker checker;
  int64_t now_ms = kNowMs;
};

TEST_CASE("batches in order are stored and move the cursor") {
  AppendedLog log;
  Laptop laptop;
  REQUIRE(log.Open(laptop).next_seq == 1);
  for (uint64_t seq = 1; seq <= 5; ++seq) {
    const BatchAnswer answer = log.Append(laptop, laptop.Seal(static_cast<int64_t>(seq)));
    REQUIRE(answer.verdict == Verdict::kStored);
    REQUIRE(answer.through == seq);
  }
  REQUIRE(log.Stored(laptop) == 5);
  REQUIRE(*log.db().QueryText("SELECT group_concat(seq || ':' || seq_last || ':' || kind) FROM log "
                              "ORDER BY id") == "1:1:0,2:2:0,3:3:0,4:4:0,5:5:0");
  REQUIRE(log.stats.batches == 5);
}

TEST_CASE("a stored row holds the very bytes, their hash, receive time and skew") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  const std::string sealed = laptop.Seal(1);
  log.Append(laptop, sealed);
  auto row = log.db().Prepare("SELECT sealed, hash, received_ms, skew_ms, device, epoch FROM log");
  REQUIRE_OK(row);
  REQUIRE_OK(row->Step());
  REQUIRE(row->BlobAt(0) == sealed);
  REQUIRE(row->BlobAt(1) == Sha256(sealed));
  REQUIRE(row->Int(2) == kNowMs);
  REQUIRE(row->Int(3) == -250);
  REQUIRE(row->Int(4) == kDevice);
  REQUIRE(static_cast<uint64_t>(row->Int(5)) == laptop.epoch());
}

TEST_CASE("the same batch again is acknowledged and stored once") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  const std::string first = laptop.Seal(1);
  const std::string second = laptop.Seal(2);
  log.Append(laptop, first);
  log.Append(laptop, second);
  const bool restarted = GENERATE(false, true);
  if (restarted) log.Reopen();
  const BatchAnswer again = log.Append(laptop, first);
  REQUIRE(again.verdict == Verdict::kDuplicate);
  REQUIRE(again.through == 1);
  REQUIRE(log.Append(laptop, second).verdict == Verdict::kDuplicate);
  REQUIRE(log.Rows("log") == 2);
  REQUIRE(log.Rows("quarantine") == 0);
}

TEST_CASE("the same batch twice in one transaction is stored once") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  Arrival arrival = log.checker.Check(laptop.Seal(1), laptop.epoch(), 1);
  arrival.device = kDevice;
  auto verdicts = log.InTransaction([&] {
    auto first = log.appender->Append(arrival);
    return std::pair(first, log.appender->Append(arrival));
  });
  REQUIRE(verdicts.first->verdict == Verdict::kStored);
  REQUIRE(verdicts.second->verdict == Verdict::kDuplicate);
  REQUIRE(log.Rows("log") == 1);
}

TEST_CASE("a batch ahead of its turn is not stored and told what is expected") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  const std::string first = laptop.Seal(1);
  const std::string second = laptop.Seal(2);
  const BatchAnswer early = log.Append(laptop, second);
  REQUIRE(early.verdict == Verdict::kAhead);
  REQUIRE(early.expected == 1);
  REQUIRE(log.Rows("log") == 0);
  REQUIRE(log.Append(laptop, first).verdict == Verdict::kStored);
  REQUIRE(log.Append(laptop, second).verdict == Verdict::kStored);
}

TEST_CASE("a batch of an epoch that was never opened is an error, not a row") {
  AppendedLog log;
  Laptop laptop;
  Arrival arrival = log.checker.Check(laptop.Seal(1), laptop.epoch(), 1);
  arrival.device = kDevice;
  auto answer = log.InTransaction([&] { return log.appender->Append(arrival); });
  REQUIRE(absl::IsFailedPrecondition(answer.status()));
  REQUIRE(log.Rows("log") == 0);
}

TEST_CASE("an unknown epoch that begins later is a gap") {
  AppendedLog log;
  Laptop laptop;
  laptop.Lose(9);
  const std::string tenth = laptop.Seal(10);
  const EpochPlace place = log.Open(laptop, 10, 10);
  REQUIRE(place.next_seq == 10);
  REQUIRE(place.lost_places == 9);
  REQUIRE(log.Append(laptop, tenth).verdict == Verdict::kStored);
  REQUIRE(*log.db().QueryText("SELECT group_concat(seq || '-' || seq_last || ':' || kind) "
                              "FROM log ORDER BY id") == "1-9:3,10-10:0");
  REQUIRE(log.stats.gaps == 1);
  REQUIRE(log.stats.lost_places == 9);
}

TEST_CASE("a spool that lost what comes next is a gap, once, and the chain starts anew") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  laptop.Lose(3);
  const std::string fifth = laptop.Seal(5);
  REQUIRE(log.Open(laptop, 5, 5).lost_places == 3);
  REQUIRE(log.Open(laptop, 5, 5).lost_places == 0);
  REQUIRE(log.Append(laptop, fifth).verdict == Verdict::kStored);
  REQUIRE(log.Append(laptop, laptop.Seal(6)).verdict == Verdict::kStored);
  REQUIRE(log.Rows("quarantine") == 0);
  REQUIRE(log.Stored(laptop) == 6);
}

TEST_CASE("what a lost acknowledgement left on the laptop is asked for again") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  for (int i = 0; i < 4; ++i) log.Append(laptop, laptop.Seal(i));
  REQUIRE(log.Open(laptop, 3, 4).next_seq == 3);
  REQUIRE(log.Open(laptop, 5, 4).next_seq == 5);
}

TEST_CASE("an older copy of a spool is told a place beyond what it ever sealed") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  for (int i = 0; i < 4; ++i) log.Append(laptop, laptop.Seal(i));
  const EpochPlace place = log.Open(laptop, 2, 2);
  REQUIRE(place.next_seq == 5);
  REQUIRE(place.lost_places == 0);
}

TEST_CASE("epochs of one device do not touch each other") {
  AppendedLog log;
  Laptop one(1), two(2);
  log.Open(one);
  log.Open(two);
  REQUIRE(log.Append(one, one.Seal(1)).verdict == Verdict::kStored);
  REQUIRE(log.Append(two, two.Seal(2)).verdict == Verdict::kStored);
  REQUIRE(log.Append(one, one.Seal(3)).verdict == Verdict::kStored);
  REQUIRE(log.Stored(one) == 2);
  REQUIRE(log.Stored(two) == 1);
}

TEST_CASE("another batch in a place already taken is a fork: kept apart, acknowledged") {
  AppendedLog log;
  Laptop laptop, clone;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  const BatchAnswer fork = log.Append(clone, clone.Seal(2));
  REQUIRE(fork.verdict == Verdict::kQuarantined);
  REQUIRE(fork.through == 1);
  REQUIRE(log.Rows("log") == 1);
  REQUIRE(log.stats.forks == 1);

  SECTION("from then on both streams go to quarantine, also after a restart") {
    log.Reopen();
    REQUIRE(log.Append(laptop, laptop.Seal(3)).verdict == Verdict::kQuarantined);
    REQUIRE(log.Append(clone, clone.Seal(4)).verdict == Verdict::kQuarantined);
    REQUIRE(log.Rows("log") == 1);
    REQUIRE(log.Rows("quarantine") == 3);
    REQUIRE(log.Stored(laptop) == 1);
  }
  SECTION("the same quarantined batch again is kept once") {
    log.Reopen();
    Laptop replay;
    REQUIRE(log.Append(replay, replay.Seal(2)).verdict == Verdict::kQuarantined);
    REQUIRE(log.Rows("quarantine") == 1);
  }
  SECTION("streams of a forked epoch are asked for what they hold, whatever the cursor says") {
    REQUIRE(log.Open(clone, 40, 50).next_seq == 40);
    REQUIRE(log.Open(clone, 1, 0).next_seq == 1);
    REQUIRE(log.Rows("log") == 1);
  }
  SECTION("a new epoch of the same device is not touched by it") {
    Laptop fresh(99);
    log.Open(fresh);
    REQUIRE(log.Append(fresh, fresh.Seal(1)).verdict == Verdict::kStored);
  }
}

TEST_CASE("a batch that does not follow the one stored before it is a fork") {
  AppendedLog log;
  Laptop laptop, restored;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  restored.Seal(2);  // never sent
  const BatchAnswer fork = log.Append(restored, restored.Seal(3));
  REQUIRE(fork.verdict == Verdict::kQuarantined);
  REQUIRE(fork.through == 2);
  REQUIRE(log.Stored(laptop) == 1);
}

TEST_CASE("a batch for a place that was reported lost is kept apart") {
  AppendedLog log;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  laptop.Seal(2);
  log.Open(laptop, 3, 3);
  REQUIRE(log.Append(laptop, first).verdict == Verdict::kQuarantined);
}

TEST_CASE("a duplicate whose row was pruned is acknowledged") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  const std::string first = laptop.Seal(1);
  log.Append(laptop, first);
  log.Append(laptop, laptop.Seal(2));
  REQUIRE_OK(log.db().Execute("DELETE FROM log WHERE seq = 1"));
  REQUIRE(log.Append(laptop, first).verdict == Verdict::kDuplicate);
}

TEST_CASE("a batch that can never be accepted keeps its place and is refused") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  const std::string broken = laptop.SealBroken();
  const BatchAnswer refused = log.Append(laptop, broken);
  REQUIRE(refused.verdict == Verdict::kRefused);
  REQUIRE(refused.refusal == v1::MALFORMED);
  REQUIRE(refused.through == 2);
  REQUIRE(log.stats.refused == 1);
  REQUIRE(*log.db().QueryInt("SELECT kind FROM log WHERE seq = 2") ==
          static_cast<int>(LogKind::kRefused));
  REQUIRE(*log.db().QueryInt("SELECT sealed IS NULL FROM log WHERE seq = 2") == 1);

  SECTION("what follows is accepted") {
    REQUIRE(log.Append(laptop, laptop.Seal(3)).verdict == Verdict::kStored);
  }
  SECTION("again it is refused with the same reason and no second row") {
    log.Reopen();
    const BatchAnswer again = log.Append(laptop, broken);
    REQUIRE(again.verdict == Verdict::kRefused);
    REQUIRE(again.refusal == v1::MALFORMED);
    REQUIRE(again.detail == refused.detail);
    REQUIRE(log.Rows("log") == 2);
  }
}

TEST_CASE("bytes that are no batch at all are refused in the place where they stood") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  laptop.Seal(2);
  const BatchAnswer refused = log.Append(laptop, "rubbish", 2);
  REQUIRE(refused.verdict == Verdict::kRefused);
  REQUIRE(refused.through == 2);
  REQUIRE(log.Append(laptop, laptop.Seal(3)).verdict == Verdict::kStored);
}

TEST_CASE("a batch over the limit is refused as too large") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  const BatchAnswer refused =
      log.Append(laptop, std::string(BatchLimits::kSealedBytesMax + 1, 'x'), 1);
  REQUIRE(refused.verdict == Verdict::kRefused);
  REQUIRE(refused.refusal == v1::TOO_LARGE);
}

TEST_CASE("a batch of another epoch is refused in its stream") {
  AppendedLog log;
  Laptop laptop(1), other(2);
  log.Open(laptop);
  REQUIRE(log.Append(laptop, other.Seal(1), 1).verdict == Verdict::kRefused);
}

TEST_CASE("a tombstone takes all its places and the chain goes through it") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  Laptop dropped = laptop;
  dropped.Seal(2);
  dropped.Seal(3);
  const BatchAnswer answer = log.Append(laptop, laptop.SealTombstone(2, dropped.chain_hash()));
  REQUIRE(answer.verdict == Verdict::kStored);
  REQUIRE(answer.through == 3);
  REQUIRE(log.Stored(laptop) == 3);
  REQUIRE(log.stats.tombstones == 1);
  REQUIRE(log.Append(laptop, laptop.Seal(4)).verdict == Verdict::kStored);
  REQUIRE(*log.db().QueryText("SELECT group_concat(seq || '-' || seq_last || ':' || kind) "
                              "FROM log ORDER BY id") == "1-1:0,2-3:1,4-4:0");
}

TEST_CASE("a tombstone for places already stored compares by its chain hash") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  Laptop spool = laptop;
  log.Append(laptop, laptop.Seal(2));
  log.Append(laptop, laptop.Seal(3));
  const bool same = GENERATE(true, false);
  const std::string last = same ? laptop.chain_hash() : Sha256("something else");
  const BatchAnswer answer = log.Append(spool, spool.SealTombstone(2, last));
  REQUIRE(answer.verdict == (same ? Verdict::kDuplicate : Verdict::kQuarantined));
  REQUIRE(answer.through == 3);
  REQUIRE(log.Rows("log") == 3);
}

TEST_CASE("a tombstone over places of which some arrived is stored for the rest") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  Laptop spool = laptop;
  log.Append(laptop, laptop.Seal(2));
  laptop.Seal(3);
  const BatchAnswer answer = log.Append(spool, spool.SealTombstone(2, laptop.chain_hash()));
  REQUIRE(answer.verdict == Verdict::kStored);
  REQUIRE(answer.through == 3);
  REQUIRE(log.Stored(laptop) == 3);
  REQUIRE(*log.db().QueryText("SELECT group_concat(seq || '-' || seq_last || ':' || kind) "
                              "FROM log ORDER BY id") == "1-1:0,2-2:0,3-3:1");
  REQUIRE(log.Append(laptop, laptop.Seal(4)).verdict == Verdict::kStored);
}

TEST_CASE("a tombstone over places of which some arrived must follow what was stored before it") {
  AppendedLog log;
  Laptop laptop, other;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  log.Append(laptop, laptop.Seal(2));
  other.Seal(100);
  const BatchAnswer answer = log.Append(other, other.SealTombstone(3, Sha256("x")));
  REQUIRE(answer.verdict == Verdict::kQuarantined);
}

TEST_CASE("a batch inside a stored tombstone is a duplicate, its last is compared") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  Laptop dropped = laptop;
  const std::string second = dropped.Seal(2);
  const std::string third = dropped.Seal(3);
  log.Append(laptop, laptop.SealTombstone(2, dropped.chain_hash()));
  REQUIRE(log.Append(laptop, second).verdict == Verdict::kDuplicate);
  REQUIRE(log.Append(laptop, third).verdict == Verdict::kDuplicate);

  Laptop clone;
  clone.Seal(1);
  clone.Seal(7);
  REQUIRE(log.Append(laptop, clone.Seal(8)).verdict == Verdict::kQuarantined);
}

TEST_CASE("rows carry through which day the log was sealed when they came") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  REQUIRE_OK(
      log.db().Execute("INSERT INTO meta (key, value) VALUES ('sealed_through_day', 20000)"));
  log.Append(laptop, laptop.Seal(2));
  REQUIRE(*log.db().QueryInt("SELECT sealed_through_day FROM log WHERE seq = 1") < 0);
  REQUIRE(*log.db().QueryInt("SELECT sealed_through_day FROM log WHERE seq = 2") == 20'000);
}

TEST_CASE("an id is never given twice, also when the whole log was pruned") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  log.Append(laptop, laptop.Seal(1));
  log.Append(laptop, laptop.Seal(2));
  REQUIRE_OK(log.db().Execute("INSERT INTO fold (name, watermark) VALUES ('facts', 2)"));
  REQUIRE_OK(log.db().Execute("DELETE FROM log"));
  log.Append(laptop, laptop.Seal(3));
  REQUIRE(*log.db().QueryInt("SELECT id FROM log") == 3);
}

TEST_CASE("last_seen is written at once, then no more than every 30 seconds") {
  AppendedLog log;
  Laptop laptop;
  auto last_seen = [&] { return *log.db().QueryInt("SELECT last_seen_ms FROM device"); };
  log.Open(laptop);
  REQUIRE(last_seen() == kNowMs);
  log.now_ms += 29'000;
  log.Append(laptop, laptop.Seal(1));
  REQUIRE(last_seen() == kNowMs);
  log.now_ms += 1'000;
  log.Append(laptop, laptop.Seal(2));
  REQUIRE(last_seen() == kNowMs + 30'000);
  REQUIRE(*log.db().QueryText("SELECT agent_version FROM device") == "0.1.0");
}

TEST_CASE("nothing of an abandoned transaction is remembered") {
  AppendedLog log;
  Laptop laptop;
  log.Open(laptop);
  const std::string first = laptop.Seal(1);
  {
    auto transaction = Transaction::Begin(log.db());
    REQUIRE_OK(transaction);
    REQUIRE_OK(log.appender->Begin(log.db()));
    Arrival arrival = log.checker.Check(first, laptop.epoch(), 1);
    arrival.device = kDevice;
    REQUIRE_OK(log.appender->Append(arrival));
    REQUIRE_OK(log.appender->End());
    log.appender->Abandoned();
  }
  REQUIRE(log.Rows("log") == 0);
  REQUIRE(log.stats.batches == 0);
  REQUIRE(log.Append(laptop, first).verdict == Verdict::kStored);
}

}  // namespace
}  // namespace candor
