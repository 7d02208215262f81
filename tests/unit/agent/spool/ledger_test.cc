// What was sent stays readable for a while, then as daily digests.
#include "common/time_text.h"
#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

using testing::HeldBatches;
using testing::SpoolInFolder;

void SendAll(SpoolInFolder& test) {
  HeldBatches(*test.spool);
  const auto position = test.Position();
  REQUIRE_OK(test.spool->Acknowledge(position.epoch, position.last_sealed, {}));
}

std::vector<LedgerRow> Ledger(SpoolInFolder& test) {
  const auto rows = test.spool->Ledger(INT64_MAX, 1'000);
  REQUIRE_OK(rows);
  return *rows;
}

TEST_CASE(
    "the ledger holds the very bytes that were sent, newest first, from the first sending on") {
  SpoolInFolder test;
  for (int n = 1; n <= 3; ++n) test.AddSealed(n);
  REQUIRE(Ledger(test).empty());
  const int64_t sent_ms = test.clock.WallMs();
  const auto held = HeldBatches(*test.spool);
  REQUIRE(Ledger(test).size() == 3);
  REQUIRE(Ledger(test)[0].acked_wall_ms == 0);

  test.clock.Advance(700);
  REQUIRE_OK(test.spool->Acknowledge(test.Position().epoch, 3, {{2, "too large"}}));
  const auto rows = Ledger(test);
  REQUIRE(rows.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(rows[i].seq == 3 - i);
    REQUIRE(rows[i].sealed == held[2 - i].sealed);
    REQUIRE(rows[i].sent_wall_ms == sent_ms);
    REQUIRE(rows[i].acked_wall_ms == sent_ms + 700);
  }
  REQUIRE(rows[1].refused == "too large");

  SECTION("in pages") {
    const auto page = test.spool->Ledger(rows[0].id, 1);
    REQUIRE_OK(page);
    REQUIRE(page->size() == 1);
    REQUIRE((*page)[0].seq == 2);
  }
}

TEST_CASE("after thirty days a sent batch becomes part of its day's digest") {
  SpoolInFolder test;
  test.AddSealed(1, true);
  test.AddSealed(2);
  SendAll(test);
  const int64_t first_day = test.clock.WallMs() / kMsPerDay;
  test.clock.Advance(20 * kMsPerDay);
  test.AddSealed(3);
  SendAll(test);
  REQUIRE(Ledger(test).size() == 3);
  test.clock.Advance(10 * kMsPerDay + 1);
  test.AddSealed(4);
  SendAll(test);
  REQUIRE(Ledger(test).size() == 2);
  const auto digests = test.spool->LedgerDigests();
  REQUIRE_OK(digests);
  REQUIRE(digests->size() == 1);
  REQUIRE((*digests)[0].digest ==
          FormatDay(first_day) + ": 2 batches, 1 crash; 2 windows of disk_free_gib");
  REQUIRE((*digests)[0].sent_wall_ms == first_day * kMsPerDay);
}

TEST_CASE("a ledger over its bytes digests the oldest first") {
  SpoolOptions options;
  options.ledger_bytes_max = 2'000;
  SpoolInFolder test(options);
  for (int n = 1; n <= 60; ++n) {
    test.AddSealed(n);
    SendAll(test);
    REQUIRE(test.spool->Figures().ledger_bytes <= 2'000);
  }
  const auto rows = Ledger(test);
  REQUIRE(rows.size() > 3);
  REQUIRE(rows.front().seq == 60);
  const auto digests = test.spool->LedgerDigests();
  REQUIRE_OK(digests);
  REQUIRE(digests->size() == 1);
  const std::string expected =
      std::to_string(60 - rows.size()) + " batches, " + std::to_string(60 - rows.size());
  REQUIRE((*digests)[0].digest.find(expected) != std::string::npos);
}

TEST_CASE("the figures are the same after reopening") {
  SpoolInFolder test;
  for (int n = 1; n <= 5; ++n) test.AddSealed(n, n == 2);
  HeldBatches(*test.spool);
  REQUIRE_OK(test.spool->Acknowledge(test.Position().epoch, 3, {}));
  REQUIRE_OK(test.spool->Add(testing::NumberedHarvest(6)));
  const auto before = test.spool->Figures();
  test.Crash();
  const auto after = test.spool->Figures();
  REQUIRE(before.held_bytes == after.held_bytes);
  REQUIRE(before.held_batches == after.held_batches);
  REQUIRE(before.ledger_bytes == after.ledger_bytes);
  REQUIRE(before.pending == after.pending);
  REQUIRE(before.pending_bytes == after.pending_bytes);
}

}  // namespace
}  // namespace candor
