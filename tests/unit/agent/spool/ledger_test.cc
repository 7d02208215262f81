// What was sent stays readable for a while, then as daily digests.
#include "common/time_text.h"
#include "common/time_units.h"
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

TEST_CASE("only what was handed out counts as sent, and does so after a kill") {
  SpoolInFolder test;
  for (int n = 1; n <= 5; ++n) test.AddSealed(n);
  {
    auto flight = test.spool->BeginFlight();
    REQUIRE((*flight.Next())->seq == 1);
    test.clock.Advance(1'000);
    REQUIRE((*flight.Next())->seq == 2);
  }
  test.Crash();
  const auto rows = Ledger(test);
  REQUIRE(rows.size() == 2);
  REQUIRE(rows[0].seq == 2);
  REQUIRE(rows[0].sent_wall_ms == rows[1].sent_wall_ms + 1'000);
}

TEST_CASE(
    "one place of the ledger is found without reading the others, a range by each of its seq") {
  SpoolInFolder test;
  for (int n = 1; n <= 30; ++n) test.AddSealed(n);
  SendAll(test);
  const auto one = test.spool->Ledger(INT64_MAX, 16, 7);
  REQUIRE_OK(one);
  REQUIRE(one->size() == 1);
  REQUIRE(testing::OpenBatch((*one)[0].sealed).Numbers() == std::vector<int64_t>{7});
  REQUIRE(test.spool->Ledger(INT64_MAX, 16, 31)->empty());
  REQUIRE(test.spool->Ledger((*one)[0].id, 16, 7)->empty());
}

TEST_CASE("a page of the ledger is bounded in bytes, and pages of one row still reach the end") {
  SpoolInFolder test;
  for (int n = 1; n <= 4; ++n) {
    Harvest harvest = testing::NumberedHarvest(n);
    // Random bytes, so that they stay as large as they are: one batch fills a page.
    for (int part = 0; part < 10; ++part) {
      harvest.events.push_back({{}, testing::kBoot});
      harvest.events.back().event.set_wall_ms(1);
      harvest.events.back().event.mutable_crash()->set_program(ToHex(test.random.Bytes(30'000)));
    }
    REQUIRE_OK(test.spool->Add(harvest));
    REQUIRE_OK(test.spool->Seal());
  }
  SendAll(test);
  int64_t before = INT64_MAX;
  std::vector<uint64_t> seqs;
  while (true) {
    const auto page = test.spool->Ledger(before, 16);
    REQUIRE_OK(page);
    if (page->empty()) break;
    REQUIRE(page->size() == 1);
    seqs.push_back(page->front().seq);
    before = page->front().id;
  }
  REQUIRE(seqs == std::vector<uint64_t>{4, 3, 2, 1});
}

TEST_CASE("a batch sent under a clock far ahead costs no digest and keeps nothing behind it") {
  SpoolInFolder test;
  test.AddSealed(1);
  SendAll(test);
  test.clock.Advance(31 * kMsPerDay);
  test.AddSealed(2);
  SendAll(test);
  REQUIRE(test.spool->LedgerDigests()->size() == 1);

  test.clock.JumpWall(14 * 365 * kMsPerDay);
  test.AddSealed(3);
  SendAll(test);
  test.clock.JumpWall(-14 * 365 * kMsPerDay);
  test.AddSealed(4);
  SendAll(test);
  // The clock is believed again after a steady day; by then what was sent since grows old.
  for (int day = 0; day < 33; ++day) {
    test.clock.Advance(kMsPerDay);
    REQUIRE_OK(test.spool->Seal());
  }
  std::vector<uint64_t> kept;
  for (const auto& row : Ledger(test)) kept.push_back(row.seq);
  REQUIRE(kept == std::vector<uint64_t>{3});
  // What the ledger's size takes away next is the odd one; the other days' digests stay.
  const size_t before = test.spool->LedgerDigests()->size();
  test.options.ledger_bytes_max = 1;
  test.Reopen();
  REQUIRE_OK(test.spool->Seal());
  REQUIRE(Ledger(test).empty());
  REQUIRE(test.spool->LedgerDigests()->size() == before + 1);
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
