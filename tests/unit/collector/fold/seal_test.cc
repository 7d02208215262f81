#include "collector/fold/seal.h"

#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/fold/fold_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the builders are this test's vocabulary

void InsertDays(FoldStore& store, int days) {
  for (int day = 0; day < days; ++day) {
    BatchBuilder batch;
    batch.Add(MinuteBuilder(kMonday + day, 600).Sum(metric::kProbes, 1, "a"));
    batch.Add(kMonday + day, 600, CrashEvent("x"));
    store.Insert({.seq = static_cast<uint64_t>(day + 1)}, batch.Build());
  }
}

TEST_CASE("a day is open for 35 days and sealed after") {
  FoldStore store;
  const auto sealed_at = [&](int64_t day) {
    return SealDays(store.db(), day * kMsPerDay + 1).value();
  };
  CHECK(sealed_at(kMonday + 35) == kMonday - 1);
  CHECK(sealed_at(kMonday + 36) == kMonday);
  CHECK(sealed_at(kMonday + 40) == kMonday + 4);
}

TEST_CASE("a clock that goes back unseals nothing") {
  FoldStore store;
  REQUIRE_OK(SealDays(store.db(), (kMonday + 40) * kMsPerDay));
  CHECK(SealDays(store.db(), (kMonday + 2) * kMsPerDay).value() == kMonday + 4);
  CHECK(ReadSealedThroughDay(store.db()).value() == kMonday + 4);
}

TEST_CASE("the log goes ten days after what it holds was sealed") {
  FoldStore store;
  InsertDays(store, 20);
  store.FoldAll();
  store.Seal(kMonday + 45);
  CHECK(PruneLog(store.db()).value() == 0);
  store.Seal(kMonday + 46);
  // Sealed through Monday + 10: what came on Monday itself lies ten days behind.
  CHECK(PruneLog(store.db()).value() == 1);
  store.Seal(kMonday + 50);
  CHECK(PruneLog(store.db(), {}, 3).value() == 3);
  CHECK(PruneLog(store.db(), {}, 3).value() == 1);
  CHECK(PruneLog(store.db(), {}, 3).value() == 0);
  CHECK(store.Int("SELECT min(id) FROM log") == 6);
}

TEST_CASE("a log row that is not folded yet is never deleted") {
  FoldStore store;
  InsertDays(store, 3);
  store.FoldAll();
  BatchBuilder batch;
  batch.Add(MinuteBuilder(kMonday, 700));
  store.Insert({.seq = 100}, batch.Build());
  store.Seal(kMonday + 100);
  CHECK(PruneLog(store.db()).value() == 3);
  CHECK(store.Int("SELECT count(*) FROM log") == 1);
}

TEST_CASE("what comes after a long silence is folded") {
  FoldStore store;
  InsertDays(store, 3);
  store.FoldAll();
  store.Seal(kMonday + 300);
  CHECK(PruneLog(store.db()).value() == 2);
  BatchBuilder batch;
  batch.Add(MinuteBuilder(kMonday + 300, 700));
  store.Insert({.seq = 100}, batch.Build());
  store.FoldAll();
  CHECK(store.Int("SELECT count(*) FROM day_fact WHERE day = 20814") == 1);
}

TEST_CASE("folds go after 90 days, sealed ones only, a piece at a time") {
  FoldStore store;
  InsertDays(store, 10);
  store.FoldAll();
  const int64_t now = (kMonday + 95) * kMsPerDay;
  CHECK(PruneFacts(store.db(), now).value() == 0);  // nothing is sealed
  store.Seal(kMonday + 95);
  // Monday + 4 is 91 days back, Monday + 5 is 90.
  CHECK(PruneFacts(store.db(), now, {}, 3).value() == 3);
  CHECK(PruneFacts(store.db(), now, {}, 3).value() == 2);
  CHECK(PruneFacts(store.db(), now, {}, 3).value() == 0);
  for (const char* table : {"day_fact", "event", "score"}) {
    INFO(table);
    CHECK(store.Int(std::string("SELECT min(day) FROM ") + table) == kMonday + 5);
  }
  CHECK(store.Int("SELECT min(hour) / 24 FROM hour_fact") == kMonday + 5);
}

TEST_CASE("what a laptop told last goes with the day it told it, unless it told it again") {
  FoldStore store;
  const auto tell = [&](int64_t device, uint64_t seq, int64_t day,
                        std::vector<std::pair<std::string, std::string>> properties) {
    v1::Event unmeasured;
    unmeasured.mutable_unmeasured()->add_items()->set_reason("no battery");
    BatchBuilder batch;
    batch.Add(day, 600, InventoryEvent(true, std::move(properties)));
    batch.Add(day, 600, unmeasured);
    store.Insert({.device = device, .seq = seq}, batch.Build());
  };
  tell(1, 1, kMonday, {{"os", "one"}, {"disk", "gone since"}});
  tell(1, 2, kMonday + 60, {{"os", "two"}});
  tell(2, 1, kMonday, {{"os", "one"}});
  store.FoldAll();
  store.Seal(kMonday + 91);
  const auto rows = [&](const char* table, int device) {
    return store.Int(std::string("SELECT count(*) FROM ") + table +
                     " WHERE device = " + std::to_string(device));
  };
  REQUIRE(rows("inventory", 2) == 2);  // with the mark of the complete list
  REQUIRE(rows("unmeasured", 2) == 1);
  CHECK(PruneFacts(store.db(), (kMonday + 90) * kMsPerDay).value() == 0);
  CHECK(PruneFacts(store.db(), (kMonday + 91) * kMsPerDay).value() == 2);
  CHECK(rows("inventory", 2) == 0);
  CHECK(rows("unmeasured", 2) == 0);
  CHECK(rows("unmeasured", 1) == 1);
  CHECK(store.Text("SELECT value FROM inventory WHERE device = 1 AND key = 'os'") == "two");
}

}  // namespace
}  // namespace candor
