// A spool in a temporary folder, harvests that can be told apart, and the checks that hold for any
// spool at any time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/spool/spool.h"
#include "common/batch.h"
#include "common/hash.h"
#include "common/random.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

inline const std::string kBoot(16, 'b');

// Minute number `n`, told by a gauge of that value; with a crash of a program called `n` on demand.
inline Harvest NumberedHarvest(int64_t n, bool with_event = false) {
  Harvest harvest;
  MinuteWindows minute;
  minute.minute.wall_min = 29'833'333 + n;
  minute.minute.boot_id = kBoot;
  minute.windows.push_back({metric::kDiskFree, "", n, {}});
  harvest.minute = std::move(minute);
  if (with_event) {
    RecordedEvent crash{{}, kBoot};
    crash.event.set_wall_ms((29'833'333 + n) * 60'000);
    crash.event.mutable_crash()->set_program(std::to_string(n));
    harvest.events.push_back(std::move(crash));
  }
  harvest.cursors["journal"] = std::to_string(n);
  return harvest;
}

struct OpenedBatch {
  v1::SealedBatch batch;
  v1::Contents contents;
  std::string chain;
  std::string sealed;

  std::vector<int64_t> Numbers() const {
    std::vector<int64_t> numbers;
    const auto minutes = DecodeWindows(contents);
    REQUIRE_OK(minutes);
    for (const auto& minute : *minutes) {
      for (const auto& window : minute.windows) {
        if (window.metric == metric::kDiskFree) numbers.push_back(window.sum);
      }
    }
    return numbers;
  }
  int Notices(const std::string& code) const {
    int count = 0;
    for (const auto& event : contents.events()) count += event.agent_notice().code() == code;
    return count;
  }
};

inline OpenedBatch OpenBatch(const std::string& sealed) {
  OpenedBatch opened;
  opened.sealed = sealed;
  REQUIRE_OK(ParseSealed(sealed, opened.batch));
  if (!opened.batch.has_tombstone()) REQUIRE_OK(ParseContents(opened.batch, opened.contents));
  opened.chain = ChainHash(sealed, opened.batch);
  return opened;
}

// Everything held, in order. Checks that the sequence has no holes, ends where the spool says it
// does, and that each batch carries the hash of the place before it.
inline std::vector<OpenedBatch> HeldBatches(Spool& spool) {
  const auto position = spool.Position();
  REQUIRE_OK(position);
  std::vector<OpenedBatch> batches;
  auto flight = spool.BeginFlight();
  uint64_t next = position->first_held;
  while (true) {
    const auto held = flight.Next();
    REQUIRE_OK(held);
    if (!*held) break;
    auto opened = OpenBatch((*held)->sealed);
    REQUIRE(opened.batch.epoch() == position->epoch);
    REQUIRE(opened.batch.seq() == next);
    REQUIRE(LastSeq(opened.batch) == (*held)->seq_last);
    if (opened.batch.seq() == 1) REQUIRE(opened.batch.predecessor().empty());
    if (!batches.empty()) REQUIRE(opened.batch.predecessor() == batches.back().chain);
    next = (*held)->seq_last + 1;
    batches.push_back(std::move(opened));
  }
  REQUIRE(next == position->last_sealed + 1);
  return batches;
}

struct SpoolInFolder {
  explicit SpoolInFolder(SpoolOptions given = {}) : options(std::move(given)) {
    options.path = folder.File("spool.db");
    options.boot_id = kBoot;
    if (options.machine_id.empty()) options.machine_id = "one";
    Reopen();
  }
  void Reopen() {
    spool.reset();
    auto opened = Spool::Open(options, clock, random);
    REQUIRE_OK(opened);
    spool = std::move(*opened);
  }
  // What a power cut leaves: the files as they are now, without the process's goodbye.
  void Crash() {
    const std::string image = folder.File("image");
    for (const char* suffix : {"", "-wal"}) {
      std::error_code none;
      std::filesystem::copy_file(options.path + suffix, image + suffix, none);
    }
    spool.reset();
    for (const char* suffix : {"", "-wal"}) {
      std::error_code none;
      std::filesystem::remove(options.path + suffix, none);
      std::filesystem::rename(image + suffix, options.path + suffix, none);
    }
    Reopen();
  }
  // One batch a harvest.
  void AddSealed(int64_t n, bool with_event = false) {
    REQUIRE_OK(spool->Add(NumberedHarvest(n, with_event)));
    REQUIRE_OK(spool->Seal());
  }
  SpoolPosition Position() {
    const auto position = spool->Position();
    REQUIRE_OK(position);
    return *position;
  }

  TempFolder folder;
  ManualClock clock;
  SeededRandom random{42};
  SpoolOptions options;
  std::unique_ptr<Spool> spool;
};

}  // namespace candor::testing
