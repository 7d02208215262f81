// Random lives of a spool against a collector that keeps the rules: whatever happens, every harvest
// arrives once or is counted in a tombstone, and the sequence has no holes.
#include <map>
#include <set>

#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

using testing::NumberedHarvest;
using testing::SpoolInFolder;

// The collector's side of DESIGN's "exactly once": one cursor an epoch.
class ModelCollector {
 public:
  void Receive(const std::string& sealed) {
    const auto opened = testing::OpenBatch(sealed);
    Cursor& cursor = cursors_[opened.batch.epoch()];
    const uint64_t last = LastSeq(opened.batch);
    if (last <= cursor.stored) return;
    if (opened.batch.has_tombstone()) {
      // It may begin with places that are stored already.
      REQUIRE(opened.batch.seq() <= cursor.stored + 1);
      for (const auto& dropped : opened.batch.tombstone().dropped()) {
        if (dropped.metric() == metric::kDiskFree) told_dropped_ += dropped.count();
      }
    } else {
      REQUIRE(opened.batch.seq() == cursor.stored + 1);
      for (const int64_t n : opened.Numbers()) {
        INFO("harvest " << n << " told twice");
        REQUIRE(received_.insert(n).second);
      }
    }
    if (opened.batch.seq() == cursor.stored + 1) {
      REQUIRE(opened.batch.predecessor() == cursor.chain);
    }
    cursor.stored = last;
    cursor.chain = opened.chain;
  }
  uint64_t stored(uint64_t epoch) { return cursors_[epoch].stored; }
  const std::set<int64_t>& received() const { return received_; }
  uint64_t told_dropped() const { return told_dropped_; }

 private:
  struct Cursor {
    uint64_t stored = 0;
    std::string chain;
  };
  std::map<uint64_t, Cursor> cursors_;
  std::set<int64_t> received_;
  uint64_t told_dropped_ = 0;
};

// A push that may break off anywhere: `batches` reach the collector, and the acknowledgement may
// get lost.
void Push(SpoolInFolder& test, ModelCollector& collector, uint64_t batches, bool ack_arrives) {
  const uint64_t epoch = test.Position().epoch;
  REQUIRE(*test.spool->Welcome(epoch, collector.stored(epoch) + 1));
  {
    auto flight = test.spool->BeginFlight();
    for (uint64_t i = 0; i < batches; ++i) {
      const auto held = flight.Next();
      REQUIRE_OK(held);
      if (!*held) break;
      collector.Receive((*held)->sealed);
    }
  }
  if (!ack_arrives) return;
  REQUIRE_OK(test.spool->Acknowledge(epoch, collector.stored(epoch), {}));
  REQUIRE(test.Position().first_held > collector.stored(epoch));
}

TEST_CASE("whatever happens, each harvest arrives once or is counted as dropped") {
  const uint64_t seed = GENERATE(range<uint64_t>(1, 25));
  CAPTURE(seed);
  SpoolOptions options;
  const bool bounded = seed % 3 == 0;
  if (bounded) options.bytes_max = 3'000;
  SpoolInFolder test(options);
  SeededRandom dice(seed);
  ModelCollector collector;
  int64_t added = 0;
  for (int step = 0; step < 120; ++step) {
    test.clock.Advance(static_cast<int64_t>(dice.Below(120'000)));
    switch (dice.Below(8)) {
      case 0:
      case 1:
      case 2:
        REQUIRE_OK(test.spool->Add(NumberedHarvest(++added, dice.Below(5) == 0)));
        break;
      case 3:
      case 4:
        REQUIRE_OK(test.spool->Seal());
        break;
      case 5:
        Push(test, collector, dice.Below(6), dice.Below(3) != 0);
        break;
      case 6:
        test.Reopen();
        break;
      default:
        test.Crash();
        break;
    }
    REQUIRE(test.spool->Cursor("journal") == (added == 0 ? "" : std::to_string(added)));
    REQUIRE(test.spool->Figures().held_bytes <= test.options.bytes_max + 1'000);
  }
  REQUIRE_OK(test.spool->Seal());
  Push(test, collector, 1'000, true);
  REQUIRE(test.spool->Figures().held_batches == 0);

  const uint64_t missing = static_cast<uint64_t>(added) - collector.received().size();
  REQUIRE(missing <= collector.told_dropped());
  if (!bounded) REQUIRE(collector.told_dropped() == 0);
}

}  // namespace
}  // namespace candor
