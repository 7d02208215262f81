// What a laptop does when it has no more room, with a real spool, uplink and collector: it goes on
// measuring, drops what it must, and says exactly what that was (failure policy: "collector gone",
// "disk full").
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "common/columns.h"
#include "common/registry.h"
#include "common/status.h"
#include "tests/fault/enroll_laptop.h"
#include "tests/fault/log_contents.h"
#include "tests/fault/spool_contents.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"

namespace candor::testing {
namespace {

constexpr int64_t kPatienceMs = 60'000;

// Measurements by their number; a laptop that runs once numbers them in order.
using Numbers = std::set<uint64_t>;

uint64_t NumberIn(std::string_view text) {
  return std::stoull(std::string(text.substr(text.rfind('-') + 1)));
}

void WaitUntil(const std::string& what, const std::function<bool()>& done) {
  INFO("waited for: " << what);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (!done()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

class StormyLaptop {
 public:
  StormyLaptop(const CollectorFixture& collector, const std::string& token_file, std::string host)
      : host_(std::move(host)), state_(collector.folder() + "/" + host_) {
    EnrollLaptop(collector, token_file, state_, host_);
  }

  // `before` goes in front of the program, `options` behind it.
  void Start(std::vector<std::string> before, const std::vector<std::string>& options) {
    before.insert(before.end(), {CANDOR_STORM_PROGRAM, state_, ProgramPath("candor-uplink")});
    before.insert(before.end(), options.begin(), options.end());
    process_ = std::make_unique<Process>(Process::Command{.words = before});
  }
  // It measures no more, and ends when the collector has everything.
  void BeginEnd() { process_->Signal(SIGTERM); }
  void AwaitEnd() {
    const Outcome outcome = process_->Wait(kPatienceMs);
    INFO(host_ << ": " << outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }

  Numbers Diary(const std::string& what) const {
    Numbers numbers;
    std::ifstream in(state_ + "/diary");
    std::string word, text;
    while (in >> word >> text) {
      if (word == what) numbers.insert(NumberIn(text));
    }
    return numbers;
  }

  const std::string& host() const { return host_; }
  const std::string& state() const { return state_; }
  pid_t pid() const { return process_->pid(); }
  Process& process() { return *process_; }

 private:
  const std::string host_;
  const std::string state_;
  std::unique_ptr<Process> process_;
};

// What tombstones say of what was lost.
struct Counted {
  std::map<uint32_t, uint64_t> events;   // by kind's number
  std::map<uint32_t, uint64_t> windows;  // by metric's number
  uint64_t tombstones = 0;

  void Add(const v1::SealedBatch& batch) {
    ++tombstones;
    const v1::Tombstone& tombstone = batch.tombstone();
    CHECK(tombstone.reason() == v1::Tombstone::SPOOL_FULL);
    CHECK(tombstone.dropped_bytes() > 0);
    CHECK(tombstone.first_wall_ms() > 0);
    CHECK(tombstone.last_wall_ms() >= tombstone.first_wall_ms());
    for (const auto& dropped : tombstone.dropped()) {
      const bool event = dropped.kind_case() == v1::Tombstone::Dropped::kEvent;
      (event ? events[dropped.event()] : windows[dropped.metric()]) += dropped.count();
    }
  }
};

Counted CountedIn(const SpoolContents& spool) {
  Counted counted;
  for (const SpoolContents::Batch& held : spool.batches) {
    v1::SealedBatch batch;
    REQUIRE_OK(ParseSealed(held.sealed, batch));
    if (batch.has_tombstone()) counted.Add(batch);
  }
  return counted;
}

// What of a laptop reached the collector. Checks that its sequence has no holes.
struct Arrived {
  Numbers events;
  Numbers minutes;
  uint64_t doubled = 0;
  std::vector<std::string> lost_notices;
  Counted counted;

  Arrived(const Log& log, const std::string& host) {
    uint64_t next_seq = 1;
    for (const LogRow& row : log.rows) {
      if (row.host != host) continue;
      CHECK(row.seq == next_seq);
      next_seq = row.seq_last + 1;
      v1::SealedBatch batch;
      REQUIRE_OK(ParseSealed(row.sealed, batch));
      if (batch.has_tombstone()) {
        CHECK(row.kind == LogKind::kTombstone);
        counted.Add(batch);
      } else {
        CHECK(row.kind == LogKind::kBatch);
        AddBatch(batch);
      }
    }
    CHECK(next_seq > 1);
  }

 private:
  void AddBatch(const v1::SealedBatch& batch) {
    v1::Contents contents;
    REQUIRE_OK(ParseContents(batch, contents));
    for (const v1::Event& event : contents.events()) {
      const v1::AgentNotice& notice = event.agent_notice();
      if (notice.code() == "storm") Take(notice.text(), events);
      if (notice.code() == "measurements_lost") lost_notices.push_back(notice.text());
    }
    const auto its_minutes = DecodeWindows(contents);
    REQUIRE_OK(its_minutes);
    for (const MinuteWindows& minute : *its_minutes) {
      for (const Window& window : minute.windows) Take(window.subject, minutes);
    }
  }
  void Take(std::string_view text, Numbers& numbers) {
    doubled += numbers.insert(NumberIn(text)).second ? 0 : 1;
  }
};

Numbers Without(const Numbers& all, const Numbers& some) {
  Numbers rest;
  std::set_difference(all.begin(), all.end(), some.begin(), some.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

Numbers Both(Numbers one, const Numbers& other) {
  one.insert(other.begin(), other.end());
  return one;
}

// All of `lost` came before all of `kept`.
bool OldestWereLost(const Numbers& lost, const Numbers& kept) {
  return lost.empty() || kept.empty() || *lost.rbegin() < *kept.begin();
}

TEST_CASE("a spool over its limit drops the oldest of the least important class and counts it") {
  struct Case {
    const char* host;
    const char* spool_bytes;
    bool events_too;  // so small that minutes alone do not do
  };
  const std::vector<Case> cases = {{"small", "10000", false}, {"tiny", "4000", true}};

  CollectorFixture collector;
  collector.Start();
  const std::string token = collector.TokenFile(static_cast<uint32_t>(cases.size()));
  std::vector<std::unique_ptr<StormyLaptop>> laptops;
  for (const Case& c : cases) {
    laptops.push_back(std::make_unique<StormyLaptop>(collector, token, c.host));
  }
  collector.Stop();

  for (size_t i = 0; i < cases.size(); ++i) {
    laptops[i]->Start({}, {"minutes=yes", std::string("spool_bytes=") + cases[i].spool_bytes});
  }
  for (size_t i = 0; i < cases.size(); ++i) {
    WaitUntil(std::string(cases[i].host) + " drops what it should", [&] {
      const auto spool = ReadLiveSpool(laptops[i]->pid(), laptops[i]->state() + "/spool.db");
      if (!spool.ok()) return false;  // not made yet
      Counted counted = CountedIn(*spool);
      return counted.windows[metric::kDiskFree] > 30 &&
             (counted.events[event::kAgentNotice] > 30) == cases[i].events_too;
    });
    // The collector comes back only after the last measurement: what is dropped is settled by then.
    laptops[i]->BeginEnd();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  collector.Start();
  for (const auto& laptop : laptops) laptop->AwaitEnd();
  const double told_tombstones = collector.Metric("ingest_tombstones_total").value_or(0);
  CHECK(collector.Metric("ingest_refused_total") == 0);
  CHECK(collector.Metric("ingest_lost_places_total") == 0);
  collector.Stop();
  collector.Offline("check");

  const auto log = ReadLog(collector.data());
  REQUIRE_OK(log);
  CHECK(log->quarantined == 0);
  uint64_t tombstones = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const StormyLaptop& laptop = *laptops[i];
    INFO(laptop.host());
    const Arrived arrived(*log, laptop.host());
    const Numbers lost_events = Without(laptop.Diary("spooled"), arrived.events);
    const Numbers lost_minutes = Without(laptop.Diary("spooled-minute"), arrived.minutes);
    CHECK(arrived.doubled == 0);
    CHECK(Without(arrived.events, laptop.Diary("begin")).empty());
    CHECK(Without(arrived.minutes, laptop.Diary("begin-minute")).empty());

    CHECK(lost_minutes.size() > 30);
    CHECK(lost_events.empty() != cases[i].events_too);
    CHECK_FALSE(arrived.events.empty());
    CHECK(OldestWereLost(lost_minutes, arrived.minutes));
    CHECK(OldestWereLost(lost_events, arrived.events));
    // No event went while there was a minute to drop.
    CHECK(OldestWereLost(lost_events, arrived.minutes));

    const Counted& counted = arrived.counted;
    tombstones += counted.tombstones;
    std::map<uint32_t, uint64_t> events;
    if (!lost_events.empty()) events[event::kAgentNotice] = lost_events.size();
    CHECK(counted.events == events);
    CHECK(counted.windows ==
          std::map<uint32_t, uint64_t>{{metric::kDiskFree, lost_minutes.size()}});
    std::cout << laptop.host() << ": lost " << lost_minutes.size() << " minutes of "
              << lost_minutes.size() + arrived.minutes.size() << " and " << lost_events.size()
              << " events of " << lost_events.size() + arrived.events.size() << ", "
              << counted.tombstones << " tombstones\n";
  }
  CHECK(tombstones == log->Count(LogKind::kTombstone));
  CHECK(static_cast<double>(tombstones) == told_tombstones);
}

// A small disk of the laptop's own, which the test reaches through the laptop's process.
constexpr char kOnSmallDisk[] = "mount -t tmpfs -o size=16m storm \"$1\" && shift && exec \"$@\"";

bool SmallDisksPossible() {
  const TempFolder folder;
  return RunProgram({"unshare", "--mount", "sh", "-c", kOnSmallDisk, "sh", folder.path(), "true"})
             .exit_code == 0;
}

// Adds to the file until there is no room.
void Fill(const std::string& path) {
  std::ofstream out(path, std::ios::binary | std::ios::app);
  const std::string kibibyte(1024, 'x');
  while (out) out.write(kibibyte.data(), static_cast<std::streamsize>(kibibyte.size())).flush();
}

// "...: 17 harvests lost (17 agent_notice)"
uint64_t HarvestsIn(const std::string& notice) {
  std::istringstream words(notice.substr(notice.rfind(": ") + 2));
  uint64_t harvests = 0;
  std::string word;
  words >> harvests >> word;
  CHECK(word == "harvests");
  return harvests;
}

TEST_CASE("on a full disk measuring goes on, what is lost is counted, and it recovers alone") {
  if (!SmallDisksPossible()) {
    std::cout << "skipped: a disk of its own needs the right to mount\n";
    return;
  }
  CollectorFixture collector;
  collector.Start();
  StormyLaptop laptop(collector, collector.TokenFile(1), "full");
  const std::string spool_folder = laptop.state() + "/disk";
  std::filesystem::create_directories(spool_folder);
  laptop.Start({"unshare", "--mount", "sh", "-c", kOnSmallDisk, "sh", spool_folder},
               {"spool_folder=" + spool_folder, "backlog_bytes=3000"});
  const auto diary = [&laptop](const std::string& what) { return laptop.Diary(what).size(); };
  WaitUntil("measurements", [&] { return diary("spooled") > 50; });

  const std::string filler =
      "/proc/" + std::to_string(laptop.pid()) + "/root" + spool_folder + "/filler";
  WaitUntil("measuring to go on in memory, and past what memory may hold", [&] {
    if (!laptop.process().running()) FAIL("it ended: " << laptop.process().err());
    // What the laptop gives back goes too.
    if (diary("taken") < 200) Fill(filler);
    return diary("taken") >= 200;
  });
  const size_t before = diary("spooled");
  REQUIRE(std::filesystem::remove(filler));
  WaitUntil("it to recover", [&] { return diary("spooled") > before + 50; });
  laptop.BeginEnd();
  laptop.AwaitEnd();
  collector.Stop();
  collector.Offline("check");

  const auto log = ReadLog(collector.data());
  REQUIRE_OK(log);
  const Arrived arrived(*log, "full");
  const Numbers offered = Both(laptop.Diary("spooled"), laptop.Diary("taken"));
  CHECK(offered == laptop.Diary("begin"));
  const Numbers lost = Without(offered, arrived.events);
  uint64_t counted = 0;
  for (const std::string& notice : arrived.lost_notices) counted += HarvestsIn(notice);
  std::cout << offered.size() << " measured, " << diary("taken") << " on the full disk, "
            << lost.size() << " lost\n";
  CHECK(arrived.doubled == 0);
  CHECK(Without(lost, laptop.Diary("taken")).empty());
  CHECK(lost.size() > 50);
  CHECK(counted == lost.size());
  // Memory kept what it could: the newest.
  CHECK(lost.size() < diary("taken"));
  CHECK(arrived.counted.tombstones == 0);
}

}  // namespace
}  // namespace candor::testing
