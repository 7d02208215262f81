// kill -9 of laptop, uplink and collector at random under load: no acknowledged batch lost, none
// doubled, none stuck (invariants 1 and 2).
//
// CANDOR_ROUNDS sets the number of kills (12), CANDOR_SEED repeats a run.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <thread>

#include "common/random.h"
#include "tests/fault/enroll_laptop.h"
#include "tests/fault/log_contents.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/settings.h"

namespace candor::testing {
namespace {

constexpr size_t kLaptops = 3;
constexpr int64_t kDrainMs = 120'000;

class StormyFleet {
 public:
  explicit StormyFleet(uint64_t seed) : random_(seed) {
    collector_.Start();
    const std::string token = collector_.TokenFile(kLaptops);
    for (size_t i = 0; i < kLaptops; ++i) {
      states_[i] = collector_.folder() + "/laptop" + std::to_string(i);
      EnrollLaptop(collector_, token, states_[i], "storm-" + std::to_string(i));
      StartLaptop(i);
    }
  }

  // One kill, after a moment at random; what was killed.
  std::string KillOne() {
    Pause(20 + static_cast<int64_t>(random_.Below(400)));
    const auto victim = random_.Below(2 * kLaptops + 2);
    if (victim < kLaptops) {
      laptops_[victim]->Signal(SIGKILL);
      laptops_[victim]->Wait(10'000);
      StartLaptop(victim);
      return "laptop";
    }
    if (victim < 2 * kLaptops) {
      KillUplink(victim - kLaptops);
      return "uplink";
    }
    collector_.Stop(SIGKILL);
    Pause(static_cast<int64_t>(random_.Below(200)));
    collector_.Start();
    return "collector";
  }

  // Lets every laptop send what it has; the exit code of each.
  void Drain() {
    // One that was started a moment ago does not listen to signals yet.
    Pause(1'000);
    for (const auto& laptop : laptops_) laptop->Signal(SIGTERM);
    for (const auto& laptop : laptops_) {
      const Outcome outcome = laptop->Wait(kDrainMs);
      INFO("a laptop that does not get rid of what it holds is stuck: " << outcome.err);
      REQUIRE(outcome.exit_code == 0);
    }
  }

  // Lines of all diaries that begin with `what`.
  std::set<std::string> Diary(const std::string& what) const {
    std::set<std::string> texts;
    for (const std::string& state : states_) {
      std::ifstream in(state + "/diary");
      std::string word, text;
      while (in >> word >> text) {
        if (word == what) texts.insert(text);
      }
    }
    return texts;
  }

  CollectorFixture& collector() { return collector_; }

 private:
  static void Pause(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

  void StartLaptop(size_t i) {
    laptops_[i] = std::make_unique<Process>(Process::Command{
        .words = {CANDOR_STORM_PROGRAM, states_[i], ProgramPath("candor-uplink")}});
  }

  // The uplink that laptop `i` named last, if it is still that laptop's child.
  void KillUplink(size_t i) {
    std::ifstream in(states_[i] + "/uplink.pid");
    pid_t pid = 0;
    if (!(in >> pid) || pid <= 1) return;
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string id, name, state;
    pid_t parent = 0;
    if (stat >> id >> name >> state >> parent && parent == laptops_[i]->pid()) kill(pid, SIGKILL);
  }

  SeededRandom random_;
  CollectorFixture collector_;
  std::array<std::string, kLaptops> states_;
  std::array<std::unique_ptr<Process>, kLaptops> laptops_;
};

TEST_CASE(
    "kill -9 of laptops, uplinks and collector at random under load loses and doubles nothing") {
  const uint64_t rounds = FromEnvironment("CANDOR_ROUNDS", 12);
  const uint64_t seed = FromEnvironment("CANDOR_SEED", SystemRandom().Next64() >> 32);
  std::cout << "seed " << seed << ", " << rounds << " rounds\n";
  INFO("CANDOR_SEED=" << seed << " CANDOR_ROUNDS=" << rounds);

  StormyFleet fleet(seed);
  std::map<std::string, uint64_t> killed;
  for (uint64_t round = 0; round < rounds; ++round) ++killed[fleet.KillOne()];
  fleet.Drain();
  fleet.collector().Stop();
  fleet.collector().Offline("check");

  const auto log = ReadLog(fleet.collector().data());
  REQUIRE_OK(log);
  const auto notices = Notices(*log, "storm");
  REQUIRE_OK(notices);
  const std::set<std::string> begun = fleet.Diary("begin");
  const std::set<std::string> spooled = fleet.Diary("spooled");

  CHECK(spooled.size() > 20 * rounds);
  CHECK(fleet.Diary("epoch").empty());
  uint64_t lost = 0;
  for (const std::string& text : spooled) lost += notices->contains(text) ? 0 : 1;
  CHECK(lost == 0);
  uint64_t doubled = 0, invented = 0;
  for (const auto& [text, times] : *notices) {
    doubled += times > 1 ? 1 : 0;
    invented += begun.contains(text) ? 0 : 1;
  }
  CHECK(doubled == 0);
  CHECK(invented == 0);
  CHECK(log->Count(LogKind::kRefused) == 0);
  CHECK(log->Count(LogKind::kGap) == 0);
  CHECK(log->Count(LogKind::kTombstone) == 0);
  CHECK(log->quarantined == 0);

  std::cout << "result: " << rounds << " rounds:";
  for (const auto& [what, times] : killed) std::cout << " " << what << " " << times << ",";
  std::cout << " " << spooled.size() << " measurements, " << log->rows.size() << " batches, "
            << lost << " lost, " << doubled << " doubled\n";
}

}  // namespace
}  // namespace candor::testing
