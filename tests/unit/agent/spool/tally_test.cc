#include "agent/spool/tally.h"

#include "agent/spool/cutter.h"
#include "candor/v1/envelope.pb.h"
#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

v1::Contents ContentsOf(const Harvest& harvest) {
  v1::Contents contents;
  const auto pieces = EncodeHarvest(harvest);
  REQUIRE(pieces.size() == 1);
  REQUIRE(contents.ParseFromString(pieces[0]));
  return contents;
}

TEST_CASE("a tally counts windows and events by kind and spans their time") {
  Tally tally;
  REQUIRE(tally.empty());
  REQUIRE(tally.Text() == "nothing");
  tally.Add(ContentsOf(testing::NumberedHarvest(5, true)));
  tally.Add(ContentsOf(testing::NumberedHarvest(7)));
  REQUIRE(tally.events() == 1);
  REQUIRE(tally.windows() == 2);
  REQUIRE(tally.Text() == "1 crash; 2 windows of disk_free_gib");

  v1::Tombstone tombstone;
  tally.AddBytes(100);
  tally.Write(tombstone);
  REQUIRE(tombstone.dropped_size() == 2);
  REQUIRE(tombstone.dropped_bytes() == 100);
  REQUIRE(tombstone.first_wall_ms() == (29'833'333 + 5) * 60'000ll);
  REQUIRE(tombstone.last_wall_ms() == (29'833'333 + 8) * 60'000ll);

  SECTION("and survives the way through a tombstone, where it adds up") {
    Tally sum;
    sum.Add(tombstone);
    sum.Add(tombstone);
    REQUIRE(sum.events() == 2);
    REQUIRE(sum.windows() == 4);
    REQUIRE(sum.bytes() == 200);
  }
}

TEST_CASE("kinds that a newer agent knew are counted by number") {
  v1::Tombstone tombstone;
  auto* dropped = tombstone.add_dropped();
  dropped->set_metric(9'999);
  dropped->set_count(3);
  Tally tally;
  tally.Add(tombstone);
  REQUIRE(tally.Text() == "3 windows of metric 9999");
}

}  // namespace
}  // namespace candor
