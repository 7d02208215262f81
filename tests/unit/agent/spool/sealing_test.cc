// Pending, sealed, sent, acknowledged: the way of a harvest without any accident.
#include "agent/spool/cutter.h"
#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

using testing::HeldBatches;
using testing::NumberedHarvest;
using testing::SpoolInFolder;

TEST_CASE("an added harvest and its cursor survive a crash") {
  SpoolInFolder test;
  REQUIRE_OK(test.spool->Add(NumberedHarvest(1, true)));
  test.Crash();
  REQUIRE(test.spool->Cursor("journal") == "1");
  REQUIRE(test.spool->Cursor("unknown").empty());
  REQUIRE_OK(test.spool->Seal());
  const auto held = HeldBatches(*test.spool);
  REQUIRE(held.size() == 1);
  REQUIRE(held[0].Numbers() == std::vector<int64_t>{1});
  REQUIRE(held[0].contents.events(0).crash().program() == "1");
}

TEST_CASE("a batch holds all that was pending, in order, and its bytes never change") {
  SpoolInFolder test;
  for (int n = 0; n < 5; ++n) REQUIRE_OK(test.spool->Add(NumberedHarvest(n)));
  REQUIRE_OK(test.spool->Seal());
  const auto first = HeldBatches(*test.spool);
  REQUIRE(first.size() == 1);
  REQUIRE(first[0].Numbers() == std::vector<int64_t>{0, 1, 2, 3, 4});
  REQUIRE(first[0].batch.batch_class() == static_cast<uint32_t>(BatchClass::kWindows));

  test.AddSealed(5, true);
  test.Crash();
  const auto again = HeldBatches(*test.spool);
  REQUIRE(again.size() == 2);
  REQUIRE(again[0].sealed == first[0].sealed);
  REQUIRE(again[1].batch.batch_class() == static_cast<uint32_t>(BatchClass::kEvents));
}

TEST_CASE("a list of what is unmeasured weighs no more than windows, a crash beside it does") {
  SpoolInFolder test;
  Harvest harvest = NumberedHarvest(1);
  harvest.events.push_back({{}, testing::kBoot});
  harvest.events.back().event.mutable_unmeasured();
  const bool crash = GENERATE(false, true);
  if (crash) {
    harvest.events.push_back({{}, testing::kBoot});
    harvest.events.back().event.mutable_crash();
  }
  REQUIRE_OK(test.spool->Add(harvest));
  REQUIRE_OK(test.spool->Seal());
  const BatchClass expected = crash ? BatchClass::kEvents : BatchClass::kWindows;
  REQUIRE(HeldBatches(*test.spool)[0].batch.batch_class() == static_cast<uint32_t>(expected));
}

TEST_CASE("the index of the write-ahead log is in memory, not in a file that each minute dirties") {
  SpoolInFolder test;
  test.AddSealed(1);
  REQUIRE(std::filesystem::exists(test.options.path + "-wal"));
  REQUIRE_FALSE(std::filesystem::exists(test.options.path + "-shm"));
}

TEST_CASE("sealing where no limit is reached changes nothing on disk") {
  SpoolInFolder test;
  test.AddSealed(1);
  const auto before = std::filesystem::file_size(test.options.path + "-wal");
  test.clock.Advance(60'000);
  REQUIRE_OK(test.spool->Seal());
  REQUIRE(std::filesystem::file_size(test.options.path + "-wal") == before);
}

TEST_CASE("sealing nothing makes no batch") {
  SpoolInFolder test;
  REQUIRE_OK(test.spool->Seal());
  REQUIRE(test.Position().last_sealed == 0);
  REQUIRE(test.Position().first_held == 1);
  REQUIRE(test.Position().epoch != 0);
}

TEST_CASE("an acknowledgement frees what it covers, once") {
  SpoolInFolder test;
  for (int n = 1; n <= 4; ++n) test.AddSealed(n);
  const uint64_t epoch = test.Position().epoch;
  REQUIRE_OK(test.spool->Acknowledge(epoch, 2, {}));
  REQUIRE(test.Position().first_held == 3);
  REQUIRE_OK(test.spool->Acknowledge(epoch, 2, {}));
  REQUIRE_OK(test.spool->Acknowledge(epoch, 1, {}));
  REQUIRE(HeldBatches(*test.spool).size() == 2);

  SECTION("of another epoch it means nothing") {
    REQUIRE_OK(test.spool->Acknowledge(epoch + 1, 4, {}));
    REQUIRE(test.Position().first_held == 3);
  }
  SECTION("of what was never sealed it is refused") {
    REQUIRE(test.spool->Acknowledge(epoch, 5, {}).code() == absl::StatusCode::kInvalidArgument);
    REQUIRE(test.Position().first_held == 3);
  }
  SECTION("the last one leaves an empty spool whose sequence goes on, also after a crash") {
    REQUIRE_OK(test.spool->Acknowledge(epoch, 4, {}));
    REQUIRE(test.spool->Figures().held_bytes == 0);
    test.Crash();
    REQUIRE(test.Position().first_held == 5);
    test.AddSealed(5);
    const auto held = HeldBatches(*test.spool);
    REQUIRE(held[0].batch.seq() == 5);
    REQUIRE(held[0].batch.predecessor().size() == kSha256Bytes);
  }
}

TEST_CASE("what Welcome already has counts as acknowledged") {
  SpoolInFolder test;
  for (int n = 1; n <= 3; ++n) test.AddSealed(n);
  const auto same = test.spool->Welcome(test.Position().epoch, 3);
  REQUIRE_OK(same);
  REQUIRE(*same);
  REQUIRE(test.Position().first_held == 3);
}

TEST_CASE("too much for one batch is cut into several, and nothing is lost between them") {
  SpoolInFolder test;
  SECTION("by bytes") {
    for (int n = 0; n < 40; ++n) {
      Harvest harvest = NumberedHarvest(n);
      RecordedEvent big{{}, testing::kBoot};
      std::string text;
      while (text.size() < 50'000) text += ToHex(test.random.Bytes(32));
      big.event.mutable_agent_notice()->set_text(text);
      harvest.events.push_back(big);
      REQUIRE_OK(test.spool->Add(harvest));
    }
  }
  SECTION("by minutes") {
    for (int n = 0; n < 3'000; ++n) {
      REQUIRE_OK(test.spool->Add(NumberedHarvest(n)));
    }
  }
  SECTION("by boots") {
    for (int n = 0; n < 3; ++n) {
      Harvest harvest = NumberedHarvest(n);
      for (int boot = 0; boot < 150; ++boot) {
        RecordedEvent event{{}, std::string(12, 'x') + std::to_string(1'000 + n * 150 + boot)};
        event.event.mutable_boot_done()->set_total_us(1);
        harvest.events.push_back(event);
      }
      REQUIRE_OK(test.spool->Add(harvest));
    }
  }
  const uint64_t pending = test.spool->Figures().pending;
  REQUIRE(pending >= 3);
  REQUIRE_OK(test.spool->Seal());
  REQUIRE(test.spool->Figures().pending == 0);
  const auto held = HeldBatches(*test.spool);
  REQUIRE(held.size() > 2);
  int64_t next = 0;
  int events = 0;
  for (const auto& batch : held) {
    REQUIRE(batch.sealed.size() <= BatchLimits::kSealedBytesMax);
    for (const int64_t n : batch.Numbers()) REQUIRE(n == next++);
    events += batch.contents.events_size();
  }
  REQUIRE((events == 40 || events == 0 || events == 450));
}

TEST_CASE("a harvest that no batch could hold is counted, not kept") {
  SpoolInFolder test;
  Harvest harvest;
  for (int i = 0; i < 30; ++i) {
    RecordedEvent big{{}, testing::kBoot};
    big.event.mutable_agent_notice()->set_text(std::string(60'000, 'x'));
    harvest.events.push_back(big);
  }
  REQUIRE(EncodeHarvest(harvest)[0].size() > CutLimits::kHarvestBytesMax);
  REQUIRE_OK(test.spool->Add(harvest));
  REQUIRE_OK(test.spool->Seal());
  const auto held = HeldBatches(*test.spool);
  REQUIRE(held.size() == 1);
  REQUIRE(held[0].Notices("measurements_lost") == 1);
}

TEST_CASE("while a push is under way, batches sealed meanwhile join it") {
  SpoolInFolder test;
  test.AddSealed(1);
  auto flight = test.spool->BeginFlight();
  REQUIRE((*flight.Next())->seq == 1);
  REQUIRE_FALSE(flight.Next()->has_value());
  test.AddSealed(2);
  REQUIRE((*flight.Next())->seq == 2);
}

}  // namespace
}  // namespace candor
