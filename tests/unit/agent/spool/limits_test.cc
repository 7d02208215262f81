// A spool over its bounds: what goes, what stays in its place, and that the sequence goes on.
#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

using testing::HeldBatches;
using testing::NumberedHarvest;
using testing::OpenedBatch;
using testing::SpoolInFolder;

uint64_t DroppedEvents(const v1::Tombstone& tombstone) {
  uint64_t count = 0;
  for (const auto& dropped : tombstone.dropped()) {
    if (dropped.event() == event::kCrash) count += dropped.count();
  }
  return count;
}

uint64_t DroppedWindows(const v1::Tombstone& tombstone) {
  uint64_t count = 0;
  for (const auto& dropped : tombstone.dropped()) {
    if (dropped.metric() == metric::kDiskFree) count += dropped.count();
  }
  return count;
}

// A harvest whose batch is about `bytes` large.
Harvest Bulky(SpoolInFolder& test, int64_t n, bool with_event, size_t bytes) {
  Harvest harvest = NumberedHarvest(n, with_event);
  harvest.minute->windows.push_back({metric::kRtt, ToHex(test.random.Bytes(100)), 0, {}});
  Histogram& histogram = harvest.minute->windows.back().histogram;
  for (size_t i = 0; i < bytes / 3; ++i) {
    histogram.Add(static_cast<int64_t>(1 + test.random.Below(1'000'000'000)));
  }
  return harvest;
}

SpoolOptions Small(uint64_t bytes_max) {
  SpoolOptions options;
  options.bytes_max = bytes_max;
  return options;
}

TEST_CASE(
    "a full spool drops the oldest windows first, and events only when nothing else is left") {
  SpoolInFolder test(Small(4'000));
  // Every third batch holds a crash.
  for (int n = 1; n <= 30; ++n) {
    REQUIRE_OK(test.spool->Add(Bulky(test, n, n % 3 == 0, 300)));
    REQUIRE_OK(test.spool->Seal());
    REQUIRE(test.spool->Figures().held_bytes <= 4'000);
  }
  const auto held = HeldBatches(*test.spool);
  uint64_t tombstones = 0;
  uint64_t dropped = 0;
  std::vector<int64_t> kept_windows;
  std::vector<int64_t> kept_events;
  for (const OpenedBatch& batch : held) {
    if (batch.batch.has_tombstone()) {
      ++tombstones;
      dropped += DroppedWindows(batch.batch.tombstone());
      REQUIRE(batch.batch.tombstone().reason() == v1::Tombstone::SPOOL_FULL);
      continue;
    }
    const int64_t n = batch.Numbers().at(0);
    (n % 3 == 0 ? kept_events : kept_windows).push_back(n);
  }
  REQUIRE(tombstones > 0);
  REQUIRE(dropped + kept_windows.size() + kept_events.size() == 30);
  // Of each class the youngest are left, without gaps.
  int64_t n = 30;
  for (auto at = kept_events.rbegin(); at != kept_events.rend(); ++at, n -= 3) REQUIRE(*at == n);
  n = 29;
  for (auto at = kept_windows.rbegin(); at != kept_windows.rend(); ++at) {
    REQUIRE(*at == n);
    n -= (n % 3 == 1) ? 2 : 1;
  }
  REQUIRE(kept_events.size() > kept_windows.size());
  REQUIRE(kept_events.back() == 30);
}

TEST_CASE("neighbouring tombstones merge into one range that keeps the last hash and all counts") {
  SpoolInFolder test;
  std::vector<std::string> chains;
  for (int n = 1; n <= 12; ++n) test.AddSealed(n, n == 4);
  for (const auto& batch : HeldBatches(*test.spool)) chains.push_back(batch.chain);
  test.options.bytes_max = test.spool->Figures().held_bytes / 2;
  test.Reopen();
  REQUIRE_OK(test.spool->Seal());

  const auto held = HeldBatches(*test.spool);
  // Batch 4 holds a crash and stays as long as window batches can go.
  REQUIRE(held[0].batch.has_tombstone());
  REQUIRE(held[0].batch.seq() == 1);
  REQUIRE(held[0].batch.tombstone().seq_last() == 3);
  REQUIRE(held[0].batch.tombstone().last_hash() == chains[2]);
  REQUIRE(DroppedWindows(held[0].batch.tombstone()) == 3);
  REQUIRE(held[1].Numbers() == std::vector<int64_t>{4});
  REQUIRE(held[2].batch.has_tombstone());
  REQUIRE(held[2].batch.seq() == 5);

  SECTION("when what lay between two tombstones goes too, one range is left") {
    test.options.bytes_max = 1;
    test.Reopen();
    REQUIRE_OK(test.spool->Seal());
    const auto one = HeldBatches(*test.spool);
    REQUIRE(one.size() == 1);
    REQUIRE(one[0].batch.tombstone().seq_last() == 12);
    REQUIRE(one[0].batch.tombstone().last_hash() == chains[11]);
    REQUIRE(DroppedWindows(one[0].batch.tombstone()) == 12);
    REQUIRE(DroppedEvents(one[0].batch.tombstone()) == 1);
    REQUIRE(test.spool->Figures().dropped_batches == 12);

    SECTION("the next batch chains to it as if nothing had been dropped") {
      test.options.bytes_max = 1'000'000;
      test.Reopen();
      test.AddSealed(13);
      const auto two = HeldBatches(*test.spool);
      REQUIRE(two[1].batch.seq() == 13);
      REQUIRE(two[1].batch.predecessor() == chains[11]);
    }
    SECTION("an acknowledgement inside the range leaves it whole, one past it frees it") {
      const uint64_t epoch = test.Position().epoch;
      REQUIRE_OK(test.spool->Acknowledge(epoch, 7, {}));
      REQUIRE(test.Position().first_held == 1);
      REQUIRE_OK(test.spool->Acknowledge(epoch, 12, {}));
      REQUIRE(test.Position().first_held == 13);
    }
  }
}

TEST_CASE("what a running push was handed is neither dropped nor merged") {
  SpoolInFolder test;
  for (int n = 1; n <= 6; ++n) test.AddSealed(n);
  test.options.bytes_max = 1;
  test.Reopen();
  auto flight = test.spool->BeginFlight();
  REQUIRE((*flight.Next())->seq == 1);
  REQUIRE((*flight.Next())->seq == 2);
  REQUIRE_OK(test.spool->Seal());
  const auto third = *flight.Next();
  REQUIRE(third->seq == 3);
  REQUIRE(third->seq_last == 6);
  REQUIRE(testing::OpenBatch(third->sealed).batch.has_tombstone());
  REQUIRE_FALSE(flight.Next()->has_value());
}

TEST_CASE("what was sent and then dropped stays in the ledger, for it left the laptop") {
  SpoolInFolder test;
  test.AddSealed(1);
  HeldBatches(*test.spool);
  test.options.bytes_max = 1;
  test.Reopen();
  REQUIRE_OK(test.spool->Seal());
  const auto ledger = test.spool->Ledger(INT64_MAX, 10);
  REQUIRE_OK(ledger);
  REQUIRE(ledger->size() == 1);
  REQUIRE((*ledger)[0].acked_wall_ms == 0);
  REQUIRE(testing::OpenBatch((*ledger)[0].sealed).Numbers() == std::vector<int64_t>{1});
}

TEST_CASE("batches older than thirty days expire as a tombstone of their own reason") {
  SpoolInFolder test;
  test.AddSealed(1);
  test.AddSealed(2, true);
  test.clock.Advance(20 * kMsPerDay);
  test.AddSealed(3);
  test.clock.Advance(11 * kMsPerDay);
  REQUIRE_OK(test.spool->Seal());
  const auto held = HeldBatches(*test.spool);
  REQUIRE(held.size() == 2);
  REQUIRE(held[0].batch.tombstone().reason() == v1::Tombstone::TOO_OLD);
  REQUIRE(held[0].batch.tombstone().seq_last() == 2);
  REQUIRE(DroppedEvents(held[0].batch.tombstone()) == 1);
  REQUIRE(held[1].Numbers() == std::vector<int64_t>{3});
}

TEST_CASE("a clock that jumps years ahead expires nothing") {
  SpoolInFolder test;
  test.AddSealed(1);
  test.clock.JumpWall(5 * 365 * kMsPerDay);
  test.AddSealed(2);
  REQUIRE(HeldBatches(*test.spool).size() == 2);
  test.Reopen();
  test.AddSealed(3);
  REQUIRE(HeldBatches(*test.spool)[0].Numbers() == std::vector<int64_t>{1});
  test.clock.JumpWall(-5 * 365 * kMsPerDay);
  test.AddSealed(4);
  REQUIRE(HeldBatches(*test.spool).size() == 4);
}

}  // namespace
}  // namespace candor
