#include "collector/ingest/log_check.h"

#include "collector/ingest/batch_check.h"
#include "collector/ingest/log_appender.h"
#include "collector/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/collector/ingest/laptop.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::TempFolder;

// A log with two epochs that has seen everything a log may see.
struct CheckedLog {
  CheckedLog() {
    auto opened = Store::Open(folder.path());
    REQUIRE_OK(opened);
    store = *std::move(opened);
    REQUIRE_OK(
        db().Execute("INSERT INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
                     "certificate_not_after_ms) VALUES (1, 'device', 'host', 0, '00', 0)"));
    Laptop one(1), two(0xffffffffffffffff);
    Open(one, 1);
    for (int i = 0; i < 3; ++i) Append(one, one.Seal(i));
    Append(one, one.SealBroken());
    Append(one, one.Seal(5));
    Laptop dropped = one;
    dropped.Seal(6);
    dropped.Seal(7);
    Append(one, one.SealTombstone(2, dropped.chain_hash()));
    Append(one, one.Seal(8));
    one.Lose(2);
    Open(one, 11);
    Append(one, one.Seal(11));
    Laptop spool = one;
    Append(one, one.Seal(12));
    one.Seal(13);
    Append(spool, spool.SealTombstone(2, one.chain_hash()));
    two.Lose(4);
    Open(two, 5);
    Append(two, two.Seal(5));
  }

  Database& db() { return store->write_connection(); }
  template <typename Fn>
  void InTransaction(Fn fn) {
    auto transaction = Transaction::Begin(db());
    REQUIRE_OK(transaction);
    REQUIRE_OK(appender.Begin(db()));
    REQUIRE_OK(fn());
    REQUIRE_OK(appender.End());
    REQUIRE_OK(transaction->Commit());
    appender.Committed();
  }
  void Open(const Laptop& laptop, uint64_t first_held) {
    EpochHello hello;
    hello.device = 1;
    hello.epoch = laptop.epoch();
    hello.first_held = first_held;
    hello.last_sealed = std::max(laptop.last_sealed(), first_held - 1);
    InTransaction([&] { return appender.Open(hello); });
  }
  void Append(const Laptop& laptop, const std::string& sealed) {
    Arrival arrival = checker.Check(sealed, laptop.epoch(), 0);
    arrival.device = 1;
    InTransaction([&] { return appender.Append(arrival); });
  }

  TempFolder folder;
  IngestStats stats;
  std::unique_ptr<Store> store;
  LogAppender appender{stats};
  BatchChecker checker;
};

TEST_CASE("a log that has seen gaps, refusals and tombstones is sound") {
  CheckedLog log;
  auto check = CheckLog(log.db());
  REQUIRE_OK(check);
  INFO((check->findings.empty() ? "" : check->findings[0]));
  REQUIRE(check->wrong == 0);
  REQUIRE(check->epochs == 2);
  REQUIRE(check->batches == 8);
  REQUIRE(check->tombstones == 2);
  REQUIRE(check->refused == 1);
  REQUIRE(check->gaps == 2);
}

TEST_CASE("a log whose oldest rows were pruned is sound") {
  CheckedLog log;
  REQUIRE_OK(log.db().Execute("DELETE FROM log WHERE id <= 4"));
  auto check = CheckLog(log.db());
  REQUIRE_OK(check);
  REQUIRE(check->wrong == 0);
}

TEST_CASE("whatever is changed in a log is found") {
  struct Damage {
    const char* name;
    const char* sql;
    const char* finding;
  };
  const auto damage = GENERATE(
      Damage{"a row taken out", "DELETE FROM log WHERE epoch = 1 AND seq = 2",
             "places 2 to 2 before it are missing"},
      Damage{"the last row taken out", "DELETE FROM log WHERE epoch = -1 AND seq = 5",
             "is the last, but the cursor stands at 5"},
      Damage{"a byte flipped",
             "UPDATE log SET sealed = substr(sealed, 1, length(sealed) - 1) || x'00' "
             "WHERE epoch = 1 AND seq = 2",
             "does not hash to what was recorded"},
      Damage{"bytes removed", "UPDATE log SET sealed = NULL WHERE epoch = 1 AND seq = 2",
             "has lost its bytes"},
      Damage{"two batches swapped with their hashes",
             "UPDATE log SET sealed = o.sealed, hash = o.hash FROM log AS o "
             "WHERE log.epoch = 1 AND o.epoch = 1 AND ((log.seq = 1 AND o.seq = 2) OR "
             "(log.seq = 2 AND o.seq = 1))",
             "says another place"},
      Damage{"a cursor set back", "UPDATE cursor SET seq = 4 WHERE epoch = -1",
             "the cursor stands at 4"},
      Damage{"a cursor's hash changed", "UPDATE cursor SET chain_hash = x'00' WHERE epoch = -1",
             "the cursor holds another hash"},
      Damage{"a cursor removed", "DELETE FROM cursor WHERE epoch = -1", "has no cursor"},
      Damage{"a fold ahead of the log", "INSERT INTO fold (name, watermark) VALUES ('facts', 1000)",
             "beyond the log"},
      Damage{"a device removed", "DELETE FROM device", "belongs to no enrolled device"});
  CheckedLog log;
  INFO(damage.name);
  REQUIRE_OK(log.db().Execute(damage.sql));
  auto check = CheckLog(log.db());
  REQUIRE_OK(check);
  REQUIRE(check->wrong > 0);
  REQUIRE_FALSE(check->findings.empty());
  bool found = false;
  for (const std::string& line : check->findings) {
    INFO(line);
    found = found || line.find(damage.finding) != std::string::npos;
  }
  CAPTURE(check->findings);
  REQUIRE(found);
}

}  // namespace
}  // namespace candor
