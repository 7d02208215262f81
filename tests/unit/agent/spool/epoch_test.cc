// A new epoch: when the spool is a copy of another, and what then moves on.
#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

using testing::HeldBatches;
using testing::NumberedHarvest;
using testing::SpoolInFolder;

TEST_CASE("an older copy that came back starts a new epoch with only what this run measured") {
  SpoolInFolder test;
  for (int n = 1; n <= 3; ++n) test.AddSealed(n);
  REQUIRE_OK(test.spool->Add(NumberedHarvest(4)));
  const uint64_t old_epoch = test.Position().epoch;
  // The agent starts on the restored disk, measures, and only then reaches the collector.
  test.Reopen();
  test.AddSealed(5, true);
  REQUIRE_OK(test.spool->Add(NumberedHarvest(6)));
  {
    auto flight = test.spool->BeginFlight();
    const auto same = test.spool->Welcome(old_epoch, 9);
    REQUIRE_OK(same);
    REQUIRE_FALSE(*same);
    REQUIRE(test.Position().epoch != old_epoch);
    REQUIRE(absl::IsAborted(flight.Next().status()));
  }

  REQUIRE_OK(test.spool->Seal());
  const auto held = HeldBatches(*test.spool);
  std::vector<int64_t> numbers;
  int notices = 0;
  for (const auto& batch : held) {
    for (const int64_t n : batch.Numbers()) numbers.push_back(n);
    notices += batch.Notices("older_copy");
  }
  REQUIRE(numbers == std::vector<int64_t>{5, 6});
  REQUIRE(notices == 1);
  REQUIRE(held[0].batch.seq() == 1);
  // Sources go on where they were: what they told is told.
  REQUIRE(test.spool->Cursor("journal") == "6");

  SECTION("an acknowledgement of the old epoch that comes late frees nothing") {
    REQUIRE_OK(test.spool->Acknowledge(old_epoch, 3, {}));
    REQUIRE(HeldBatches(*test.spool).size() == held.size());
  }
  SECTION("the new epoch stays after a restart") {
    const uint64_t epoch = test.Position().epoch;
    test.Crash();
    REQUIRE(test.Position().epoch == epoch);
  }
}

TEST_CASE("a Welcome that expects the next batch is no older copy") {
  SpoolInFolder test;
  test.AddSealed(1);
  const uint64_t epoch = test.Position().epoch;
  REQUIRE(*test.spool->Welcome(epoch, 2));
  REQUIRE(test.Position().epoch == epoch);
  REQUIRE(test.Position().first_held == 2);
  SECTION("one about an epoch that is gone changes nothing, and its push must end") {
    REQUIRE(absl::IsAborted(test.spool->Welcome(epoch + 1, 100).status()));
    REQUIRE(test.Position().epoch == epoch);
  }
}

TEST_CASE("another machine id starts a new epoch without the other machine's data and positions") {
  SpoolInFolder test;
  test.AddSealed(1);
  REQUIRE_OK(test.spool->Add(NumberedHarvest(2)));
  const uint64_t epoch = test.Position().epoch;
  test.options.machine_id = "two";
  test.Reopen();
  REQUIRE(test.Position().epoch != epoch);
  REQUIRE(test.spool->Cursor("journal").empty());
  REQUIRE_OK(test.spool->Seal());
  const auto held = HeldBatches(*test.spool);
  REQUIRE(held.size() == 1);
  REQUIRE(held[0].Numbers().empty());
  REQUIRE(held[0].Notices("machine_id_changed") == 1);
  REQUIRE(held[0].contents.events(0).agent_notice().text().find("2 windows of disk_free_gib") !=
          std::string::npos);

  SECTION("once") {
    const uint64_t second = test.Position().epoch;
    test.Reopen();
    REQUIRE(test.Position().epoch == second);
  }
}

TEST_CASE("a machine id that is missing, then or now, tells of no copied disk") {
  SpoolInFolder test;
  test.AddSealed(1);
  const uint64_t epoch = test.Position().epoch;
  SECTION("it is not there for a while") {
    test.options.machine_id.clear();
    test.Reopen();
    REQUIRE(test.Position().epoch == epoch);
    SECTION("and the same again afterwards") { test.options.machine_id = "one"; }
    SECTION("but another one is another machine's") {
      test.options.machine_id = "two";
      test.Reopen();
      REQUIRE(test.Position().epoch != epoch);
      return;
    }
    test.Reopen();
  }
  SECTION("it comes late") {
    test.spool.reset();
    {
      auto db = Database::Open(test.options.path, {});
      REQUIRE_OK(db);
      REQUIRE_OK(db->Execute("UPDATE meta SET value = X'' WHERE name = 'machine_id'"));
    }
    test.Reopen();
    REQUIRE(test.Position().epoch == epoch);
    SECTION("and is told apart from then on") {
      test.options.machine_id = "two";
      test.Reopen();
      REQUIRE(test.Position().epoch != epoch);
      return;
    }
  }
  REQUIRE(test.Position().epoch == epoch);
  REQUIRE(test.spool->Cursor("journal") == "1");
  REQUIRE(HeldBatches(*test.spool)[0].Numbers() == std::vector<int64_t>{1});
}

TEST_CASE("what was sent in an epoch that ended stays in the ledger") {
  SpoolInFolder test;
  test.AddSealed(1);
  HeldBatches(*test.spool);
  REQUIRE_FALSE(*test.spool->Welcome(test.Position().epoch, 50));
  const auto ledger = test.spool->Ledger(INT64_MAX, 10);
  REQUIRE_OK(ledger);
  REQUIRE_FALSE(ledger->empty());
  REQUIRE(testing::OpenBatch(ledger->back().sealed).Numbers() == std::vector<int64_t>{1});
}

}  // namespace
}  // namespace candor
