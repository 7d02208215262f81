// The real daemon where something it leans on is missing, full or moves: no value is wrong, it goes
// on, it costs no more, and what cannot be measured says why.
#include <sys/mount.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/laptop/needs.h"
#include "tests/support/collector/agent_fixture.h"
#include "tests/support/moved_clock.h"
#include "tests/support/recorded_bus.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait_for.h"

namespace candor {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;
using testing::AgentFixture;
using testing::CollectorFixture;
using testing::MovedClock;
using testing::RequireSuccess;
using testing::RunProgram;
using testing::WaitFor;

constexpr int64_t kTenHoursMs = 10LL * 3'600 * 1'000;
constexpr char kQuick[] = "[tick]\nactive_s = 1\nidle_s = 1\n[push]\nactive_s = 1\nidle_s = 1\n";

void Sleep(int seconds) { std::this_thread::sleep_for(std::chrono::seconds(seconds)); }

// Someone to talk to: the collector's own page.
std::string ServiceSettings(CollectorFixture& collector) {
  return std::string(kQuick) +
         "[[service]]\nname = \"near\"\nhost = \"localhost\"\nport = " + collector.http_port() +
         "\ntls = false\n";
}

// What an agent does from its start to its end, and what that costs.
class Watch {
 public:
  explicit Watch(AgentFixture& agent)
      : agent_(agent), begin_(steady_clock::now()), cpu_s_(agent.CpuSeconds()) {}

  double seconds() const {
    return std::chrono::duration<double>(steady_clock::now() - begin_).count();
  }
  // Ends the agent; how long it ran.
  double Stop() {
    CHECK(agent_.Stop() == 0);
    return seconds();
  }
  // A loop that does not wait takes all there is.
  void CheckCost() const {
    const double share = (agent_.CpuSeconds() - cpu_s_) / seconds();
    std::cout << "took " << 100 * share << " % of a core\n";
    CHECK(agent_.process().running());
    CHECK(share < 0.2);
  }

 private:
  AgentFixture& agent_;
  const steady_clock::time_point begin_;
  const double cpu_s_;
};

double Sum(const std::vector<json>& rows, const std::string& name, const std::string& subject) {
  double sum = 0;
  for (const json& row : rows) {
    const bool wanted = row.at("name") == name && row.at("subject") == subject;
    if (wanted && row.at("value").is_number()) sum += row.at("value").get<double>();
  }
  return sum;
}

int64_t Count(const std::vector<json>& rows, const std::string& name) {
  return std::count_if(rows.begin(), rows.end(),
                       [&](const json& row) { return row.at("name") == name; });
}

double Largest(const std::vector<json>& rows, const std::string& name) {
  double largest = 0;
  for (const json& row : rows) {
    if (row.at("name") == name && row.at("value").is_number()) {
      largest = std::max(largest, row.at("value").get<double>());
    }
  }
  return largest;
}

// Starts the agent again after its end, so that its last minute is sent as well; all it sent.
std::vector<json> AllSent(CollectorFixture& collector, AgentFixture& agent) {
  const double before = collector.Metric("ingest_batches_total").value_or(0);
  agent.Start();
  REQUIRE(
      WaitFor(60, [&] { return collector.Metric("ingest_batches_total").value_or(0) > before; }));
  return testing::SentRows([&](const auto& words) { return agent.Ask(words); });
}

std::string StatusOf(AgentFixture& agent) {
  return RunProgram({testing::ProgramPath("candor-agent"), "--state", agent.state(), "status"}).out;
}

// The next push that brings something.
void WaitForBatch(CollectorFixture& collector) {
  const double before = collector.Metric("ingest_batches_total").value_or(0);
  REQUIRE(
      WaitFor(90, [&] { return collector.Metric("ingest_batches_total").value_or(0) > before; }));
}

// No figure knows of hours that did not pass.
void CheckTimes(const std::vector<json>& rows, double awake_s) {
  CAPTURE(awake_s);
  const double observed_s = Sum(rows, "minute", "");
  const double pressure_s = Sum(rows, "watched_ms", "pressure") / 1e3;
  const double online_s = Sum(rows, "online_s", "");
  CHECK(observed_s <= awake_s + 2);
  CHECK(observed_s >= 0.8 * awake_s - 5);
  CHECK(pressure_s <= awake_s + 2);
  CHECK(pressure_s >= 0.7 * awake_s - 5);
  CHECK(online_s <= awake_s + 2);
  CHECK(online_s >= 0.5 * awake_s - 5);
  CHECK(Sum(rows, "offline_s", "") == 0);
  CHECK(Sum(rows, "cpu_stall_ms", "") <= awake_s * 1e3);
  CHECK(Largest(rows, "rtt_ms") < 1'000);
  CHECK(Largest(rows, "hang_s") == 0);
  CHECK(Count(rows, "boot") <= 1);
  CHECK(Count(rows, "system_failure") == 0);
}

// Runs the agent while something happens, and looks at what that cost; all it sent.
std::vector<json> SentThrough(CollectorFixture& collector, AgentFixture& agent,
                              const std::function<void()>& happen) {
  agent.Start();
  Watch watch(agent);
  agent.WaitForFirstPush();
  happen();
  watch.CheckCost();
  const double awake_s = watch.Stop();
  std::vector<json> rows = AllSent(collector, agent);
  INFO(json(rows).dump(1) << agent.process().err());
  CheckTimes(rows, awake_s);
  return rows;
}

TEST_CASE("a wall clock that is set by ten hours and back changes no duration") {
  CollectorFixture collector;
  collector.Start();
  MovedClock clock;
  AgentFixture agent(collector,
                     {.settings = ServiceSettings(collector), .environment = clock.Environment()});
  const std::vector<json> rows = SentThrough(collector, agent, [&] {
    for (const int64_t step_ms : {kTenHoursMs, -kTenHoursMs, -kTenHoursMs, kTenHoursMs}) {
      Sleep(8);
      clock.Step(step_ms);
      WaitForBatch(collector);
    }
  });
  INFO(json(rows).dump(1));
  CHECK(Count(rows, "resume") == 0);
  collector.WaitFolded();
  CHECK(collector.Metric("ingest_refused_total") == 0);
}

// $1 stands for /run, then the program.
constexpr char kWithRun[] = "mount --bind \"$1\" /run && shift && exec \"$@\"";

TEST_CASE("ten hours of sleep are no hours of work, of waiting or without network") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  CollectorFixture collector;
  collector.Start();
  MovedClock clock;
  const testing::TempFolder run;
  const testing::BusDaemon bus(run.path());
  testing::SleepAnnouncer logind(bus);
  AgentFixture agent(collector,
                     {.settings = ServiceSettings(collector),
                      .launcher = {"unshare", "--mount", "sh", "-c", kWithRun, "sh", run.path()},
                      .environment = clock.Environment()});
  const std::vector<json> rows = SentThrough(collector, agent, [&] {
    for (int night = 0; night < 2; ++night) {
      Sleep(8);
      logind.PrepareForSleep(true);
      Sleep(1);
      clock.Sleep(kTenHoursMs);
      logind.PrepareForSleep(false);
      WaitForBatch(collector);
    }
  });
  INFO(json(rows).dump(1));
  CHECK(Count(rows, "resume") == 2);
  for (const json& row : rows) {
    if (row.at("name") != "resume") continue;
    const std::string detail = row.at("detail");
    INFO(detail);
    // Nothing is shown of a network that was there at once.
    const size_t at = detail.find("duration_ms=");
    if (at == std::string::npos) continue;
    CHECK(std::stod(detail.substr(at + sizeof "duration_ms=" - 1)) < 5'000);
  }
  CHECK(collector.Metric("ingest_refused_total") == 0);
}

// Nothing below /run and /var/log.
constexpr char kBare[] = "mount -t tmpfs none /run && mount -t tmpfs none /var/log && exec \"$@\"";
// Root that may read no more than others.
constexpr char kPowerless[] =
    "exec setpriv --bounding-set=-dac_override,-dac_read_search,-sys_admin,-sys_ptrace,-net_admin "
    "\"$@\"";

TEST_CASE("without bus and journal, or without the right to read them, the reasons are told") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  const std::string script = GENERATE(std::string(kBare), std::string(kPowerless));
  CAPTURE(script);
  CollectorFixture collector;
  collector.Start();
  const testing::TempFolder log;
  std::vector<std::string> launcher = {"sh", "-c", script, "sh"};
  if (script == kBare) launcher.insert(launcher.begin(), {"unshare", "--mount"});
  AgentFixture agent(collector, {.settings = ServiceSettings(collector), .launcher = launcher});
  agent.Start();
  Watch watch(agent);
  agent.WaitForFirstPush();
  Sleep(8);
  WaitForBatch(collector);
  watch.CheckCost();
  INFO(StatusOf(agent));
  watch.Stop();
  const std::vector<json> rows = AllSent(collector, agent);
  INFO(json(rows).dump(1) << agent.process().err());
  CHECK(Count(rows, "crash") == 0);
  CHECK(Count(rows, "boot") <= 1);
  if (script == kBare) {
    CHECK(Sum(rows, "watched_ms", "journal") == 0);
    CHECK(Sum(rows, "watched_ms", "coredumps") == 0);
  }
  CHECK(Sum(rows, "online_s", "") > 0);
}

// A disk of the agent's own, in a file of this machine's.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    RequireSuccess(RunProgram({"truncate", "--size=24M", image()}), "truncate");
    RequireSuccess(RunProgram({"mkfs.ext4", "-q", "-F", "-m", "0", "-e", "remount-ro", image()}),
                   "mkfs.ext4");
    std::filesystem::create_directories(path_);
    Mount();
  }
  ~SmallDisk() { RunProgram({"umount", "--lazy", path_}); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void Mount() { RequireSuccess(RunProgram({"mount", "-o", "loop", image(), path_}), "mount"); }
  // Once nobody uses it.
  void Unmount() {
    const bool unmounted = WaitFor(10, [&] {
      return RunProgram({"umount", path_}).exit_code == 0;
    });
    if (!unmounted) throw std::runtime_error("cannot unmount " + path_);
  }
  // In a copy: who was started meanwhile may hold the mounted one in a namespace of its own, and
  // with it what the kernel thinks of it.
  void Repair() {
    const std::string broken = image();
    ++repairs_;
    RequireSuccess(RunProgram({"cp", broken, image()}), "cp");
    RunProgram({"fsck.ext4", "-p", image()});
  }
  // The kernel finds the file system damaged, and lets nobody write any more.
  void Break() {
    std::string device =
        RequireSuccess(RunProgram({"findmnt", "--noheadings", "--output=SOURCE", path_}), "findmnt")
            .out;
    device = device.substr(0, device.find('\n'));
    std::ofstream("/sys/fs/ext4/" + device.substr(device.rfind('/') + 1) + "/trigger_fs_error")
        << "1";
    std::ofstream probe(path_ + "/probe");
    if (probe) throw std::runtime_error("the disk can still be written");
  }

 private:
  std::string image() const { return path_ + "." + std::to_string(repairs_) + ".img"; }

  const std::string path_;
  int repairs_ = 0;
};

std::string LacksForDisks() {
  if (geteuid() != 0) return "not root";
  if (!std::filesystem::exists("/sys/fs/ext4")) return "no ext4";
  if (!std::filesystem::exists("/dev/loop-control")) return "no loop devices";
  return {};
}

TEST_CASE("on a disk that turns read-only measuring goes on, and the next start finds its place") {
  SKIP_WITHOUT(LacksForDisks());
  CollectorFixture collector;
  collector.Start();
  SmallDisk disk(collector.folder() + "/agent");
  AgentFixture agent(collector, {.settings = ServiceSettings(collector)});
  agent.Start();
  agent.WaitForFirstPush();
  WaitForBatch(collector);
  disk.Break();
  const Watch watch(agent);
  const size_t said = agent.process().err().size();
  // Noticed when the minute is over.
  REQUIRE(agent.process().WaitForLine("the spool takes nothing", 75'000));
  Sleep(5);
  watch.CheckCost();
  const std::string log = agent.process().err().substr(said);
  INFO(log);
  // It does not fill the log instead.
  CHECK(std::count(log.begin(), log.end(), '\n') < 6);
  const std::string page = StatusOf(agent);
  INFO(page);
  CHECK(page.find("takes nothing (disk I/O error)") != std::string::npos);
  agent.Stop();
  disk.Unmount();
  disk.Repair();
  disk.Mount();
  agent.Start();
  WaitForBatch(collector);
  CHECK(collector.Metric("ingest_refused_total") == 0);
  CHECK(collector.Metric("ingest_quarantined_total").value_or(0) == 0);
  CHECK(agent.Stop() == 0);
}

TEST_CASE("on a full disk the daemon measures on, says so, and loses nothing") {
  SKIP_WITHOUT(LacksForDisks());
  CollectorFixture collector;
  collector.Start();
  SmallDisk disk(collector.folder() + "/agent");
  AgentFixture agent(collector, {.settings = ServiceSettings(collector)});
  const std::string filler = agent.state() + "/filler";
  // What is given back meanwhile goes too, until the minute is over and nowhere to be written.
  const auto fill = [&] {
    std::ofstream out(filler, std::ios::binary | std::ios::app);
    const std::string block(4'096, 'x');
    while (out) out.write(block.data(), static_cast<std::streamsize>(block.size())).flush();
    return agent.process().err().find("the spool takes nothing") != std::string::npos;
  };
  const std::vector<json> rows = SentThrough(collector, agent, [&] {
    REQUIRE(WaitFor(75, fill));
    const std::string page = StatusOf(agent);
    INFO(page);
    CHECK(page.find("takes nothing (database or disk is full)") != std::string::npos);
    std::filesystem::remove(filler);
    WaitForBatch(collector);
    CHECK(StatusOf(agent).find("takes nothing") == std::string::npos);
  });
  CHECK(Count(rows, "agent_notice") == 0);
  CHECK(agent.Stop() == 0);
}

}  // namespace
}  // namespace candor
