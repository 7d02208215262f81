#include "tools/loadgen/spooler.h"

#include "common/batch.h"
#include "common/hash.h"
#include "tests/support/catch.h"
#include "tests/unit/tools/loadgen/small_fleet.h"

namespace candor::loadgen {
namespace {

TEST_CASE("batches are chained, without holes, and pass every check of the collector") {
  const FleetPlan plan = testing::SmallFleet(3, 10);
  Spooler spooler(plan, 4);
  SimulatedBatch batch;
  v1::SealedBatch sealed;
  v1::Contents contents;
  std::string chain;
  uint64_t seq = 0;
  while (spooler.Next(batch)) {
    REQUIRE_OK(ParseSealed(batch.sealed, sealed));
    REQUIRE_OK(ParseContents(sealed, contents));
    CHECK(sealed.epoch() == spooler.epoch());
    CHECK(sealed.seq() == ++seq);
    CHECK(batch.seq == seq);
    CHECK(sealed.predecessor() == chain);
    CHECK(contents.minutes().wall_min_delta_size() <= static_cast<int>(plan.batch_minutes));
    chain = ChainHash(batch.sealed, sealed);
  }
  CHECK(seq > 30);
}

TEST_CASE("the same plan seals the same bytes") {
  const FleetPlan plan = testing::SmallFleet(3, 10);
  Spooler one(plan, 2), other(plan, 2);
  SimulatedBatch a, b;
  for (;;) {
    const bool more = one.Next(a);
    REQUIRE(other.Next(b) == more);
    if (!more) break;
    REQUIRE(a.sealed == b.sealed);
  }
}

TEST_CASE("what a laptop measured without a network is sent when it is back") {
  FleetPlan plan = testing::SmallFleet(3, 10);
  plan.days = 28;
  uint32_t away = 0;
  for (uint32_t i = 0; i < 40; ++i) {
    const DeviceProfile profile = MakeProfile(plan, i);
    if (profile.without_network.last < profile.without_network.first) continue;
    Spooler spooler(plan, i);
    SimulatedBatch batch;
    uint32_t held = 0;
    while (spooler.Next(batch)) {
      CHECK(batch.send_wall_ms >= batch.sealed_wall_ms);
      held += batch.send_wall_ms > batch.sealed_wall_ms ? 1 : 0;
    }
    away += held > 0 ? 1 : 0;
  }
  CHECK(away >= 2);
}

TEST_CASE("one laptop in ten sends its last days after all others, in order") {
  const FleetPlan plan = testing::SmallFleet(3, 10);
  uint32_t late_laptops = 0;
  for (uint32_t i = 0; i < 20; ++i) {
    Spooler spooler(plan, i);
    const DeviceProfile& profile = spooler.profile();
    if (profile.late_from < 0) continue;
    ++late_laptops;
    const int64_t late_ms = (plan.first_day() + profile.late_from) * 86'400'000;
    SimulatedBatch batch;
    while (!spooler.OnlyLateLeft() && spooler.Next(batch)) CHECK(batch.sealed_wall_ms < late_ms);
    while (spooler.Next(batch)) CHECK(batch.sealed_wall_ms > late_ms - 6 * 3'600'000);
  }
  CHECK(late_laptops == 2);
}

}  // namespace
}  // namespace candor::loadgen
