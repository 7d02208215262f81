// A person works on a booted laptop for a while, with applications that stop answering now and
// then, and what Candor costs meanwhile is measured: the daemon, its uplink, and the helper in the
// session. The campaigns desktop-use and stops are this test for an hour.
//
// $CANDOR_MINUTES (3) is how long they work, $CANDOR_STOPS (120) how often an hour an application
// stops, $CANDOR_SEED what they do.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "tests/laptop/container.h"
#include "tests/laptop/desktop.h"
#include "tests/laptop/laptop_line.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/packages.h"
#include "tests/laptop/person.h"
#include "tests/support/settings.h"
#include "tests/support/wait_for.h"

namespace candor {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;
using testing::CollectorFixture;
using testing::Container;
using testing::Desktop;
using testing::FromEnvironment;
using testing::Person;
using testing::RequireSuccess;
using testing::RunProgram;
using testing::WaitFor;

constexpr int kWarmUpS = 60;
constexpr int kIdleS = 60;
// What the design allows.
constexpr double kCoreShareMax = 0.001;
constexpr int64_t kAgentKibMax = 6'000'000 / 1'024;
constexpr int64_t kSessionKibMax = 8'000'000 / 1'024;
constexpr double kIdleWakeupsMax = 0.2;
// A stop that is surely a hang; those between five seconds and this may go either way.
constexpr int64_t kHangMs = 6'100;

// What a process on the laptop has taken so far.
struct Cost {
  double cpu_s = 0;
  int64_t switches = 0;
  int64_t rss_kib = 0;
};

Cost CostOf(const Container& laptop, const std::string& pid) {
  const std::string proc = "/proc/" + pid;
  std::istringstream words(laptop.Check(
      {"sh", "-c",
       "cat " + proc + "/task/*/schedstat | awk '{ ns += $1 } END { print ns }'; cat " + proc +
           "/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n }'; awk "
           "'/^VmRSS:/ { print $2 }' " +
           proc + "/status"}));
  double ns = 0;
  Cost cost;
  if (!(words >> ns >> cost.switches >> cost.rss_kib))
    throw std::runtime_error("no cost of " + pid);
  cost.cpu_s = ns / 1e9;
  return cost;
}

// The programs of Candor that stay.
class Meter {
 public:
  Meter(const Container& laptop, const Person& person) : laptop_(laptop) {
    pids_["candor-agent"] =
        PidIn(laptop.Check({"systemctl", "show", "--property=MainPID", "candor-agent"}));
    pids_["candor-session"] = PidIn(
        person.Run({"systemctl", "--user", "show", "--property=MainPID", "candor-session"}).out);
    Begin();
  }
  void Begin() {
    begin_ = steady_clock::now();
    uplink_ms_ = UplinkMs();
    for (const auto& [name, pid] : pids_) costs_[name] = CostOf(laptop_, pid);
  }
  double seconds() const {
    return std::chrono::duration<double>(steady_clock::now() - begin_).count();
  }
  // Since Begin, beside the largest memory ever seen by either.
  Cost Since(const std::string& name) {
    Cost cost = CostOf(laptop_, pids_.at(name));
    cost.cpu_s -= costs_.at(name).cpu_s;
    cost.switches -= costs_.at(name).switches;
    return cost;
  }
  // Processor time of the pushes since Begin, as the daemon told it.
  double UplinkSince() const { return (UplinkMs() - uplink_ms_) / 1e3; }

 private:
  static std::string PidIn(const std::string& property) {
    std::string pid = property.substr(property.find('=') + 1);
    pid = pid.substr(0, pid.find('\n'));
    if (pid.empty() || pid == "0") throw std::runtime_error("it does not run: " + property);
    return pid;
  }
  double UplinkMs() const {
    double ms = 0;
    for (const json& row : testing::SentRows(laptop_)) {
      if (row.at("name") == "agent_cpu_ms" && row.at("subject") == "uplink") {
        ms += row.at("value").get<double>();
      }
    }
    return ms;
  }

  const Container& laptop_;
  std::map<std::string, std::string> pids_;
  std::map<std::string, Cost> costs_;
  steady_clock::time_point begin_;
  double uplink_ms_ = 0;
};

class Worker {
 public:
  Worker(const Container& laptop, const Person& person, const Desktop& desktop, uint64_t seed)
      : laptop_(laptop), person_(person), desktop_(desktop), random_(seed) {
    editor_ = Open();
  }
  // Three and a half seconds of work; in the middle the editor may stop for a moment.
  void WorkAWhile(bool stop) {
    if (random_() % 100 == 0) editor_ = Open();
    switch (random_() % 4) {
      case 0:
        Type();
        break;
      case 1:
        // Reads.
        Sleep(1'800);
        break;
      default:
        desktop_.Move(1'800);
    }
    if (stop) {
      Stop(StopMs());
    } else {
      Sleep(1'700);
    }
  }
  int64_t stops() const { return stops_; }
  const std::vector<int64_t>& hangs_ms() const { return hangs_ms_; }
  void Leave() {
    laptop_.Run({"pkill", "-x", "l3afpad"});
    WaitFor(20, [&] { return laptop_.Run({"pgrep", "-x", "l3afpad"}).out.empty(); });
  }

 private:
  static void Sleep(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

  std::unique_ptr<testing::Process> Open() {
    Leave();
    auto editor = person_.Start({"l3afpad"});
    const bool in_front = WaitFor(20, [&] {
      // A window that comes while somebody works may open behind: they click on it.
      RunProgram({"xdotool", "search", "--onlyvisible", "--class", "l3afpad", "windowactivate"},
                 20'000, desktop_.Environment());
      return laptop_.Run({"pgrep", "-x", "l3afpad"}).out ==
             std::to_string(desktop_.Foreground()) + "\n";
    });
    if (!in_front) {
      throw std::runtime_error("no editor: " + editor->err() +
                               laptop_.Run({"ps", "axfo", "pid,stat,args"}).out);
    }
    return editor;
  }
  void Type() {
    RequireSuccess(RunProgram({"xdotool", "type", "--delay", "150", "a few words "}, 20'000,
                              desktop_.Environment()),
                   "xdotool type");
  }
  int64_t StopMs() {
    // However short the while, there is a hang in it.
    if (stops_ == 0) return 6'500;
    const uint64_t draw = random_() % 100;
    return draw < 52 ? 500 : draw < 93 ? 2'000 : draw < 98 ? 6'500 : draw < 99 ? 10'000 : 30'000;
  }
  // While the person moves the mouse, before, in and behind it.
  void Stop(int64_t ms) {
    ++stops_;
    laptop_.Check({"pkill", "-STOP", "-x", "l3afpad"});
    const auto begin = steady_clock::now();
    desktop_.Move(ms);
    laptop_.Check({"pkill", "-CONT", "-x", "l3afpad"});
    const auto stopped_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin).count();
    // It stops itself when what it runs is stopped.
    laptop_.Check({"pkill", "-CONT", "-x", "runuser"});
    if (stopped_ms >= kHangMs) {
      hangs_ms_.push_back(stopped_ms);
      desktop_.Move(1'000);
    }
  }

  const Container& laptop_;
  const Person& person_;
  const Desktop& desktop_;
  std::mt19937_64 random_;
  std::unique_ptr<testing::Process> editor_;
  int64_t stops_ = 0;
  std::vector<int64_t> hangs_ms_;
};

// The lengths of all hangs that were sent, in milliseconds.
std::vector<int64_t> HangsSent(const Container& laptop) {
  std::vector<int64_t> sent;
  for (const json& row : testing::SentRows(laptop)) {
    if (row.at("name") != "hang") continue;
    const std::string detail = row.at("detail");
    sent.push_back(std::stoll(detail.substr(detail.find("duration_ms=") + 12)));
  }
  return sent;
}

void Print(const std::string& name, double cpu_s, double switches, double seconds,
           int64_t rss_kib) {
  std::printf("%-28s %10.3f %10.2f %8.1f\n", name.c_str(), 100 * cpu_s / seconds,
              switches / seconds, static_cast<double>(rss_kib) / 1'024);
}

TEST_CASE("a while of desktop use costs next to nothing, and every hang in it is told") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  const auto minutes = static_cast<double>(FromEnvironment("CANDOR_MINUTES", 3));
  const auto stops_an_hour = static_cast<double>(FromEnvironment("CANDOR_STOPS", 120));
  const uint64_t seed = FromEnvironment("CANDOR_SEED", 1);
  const std::string tree = testing::SystemTree();
  const testing::Packages packages("deb");
  testing::LaptopLine line(5'000);
  line.OnLaptop([&] {
    CollectorFixture collector;
    collector.Start();
    const Container laptop({.tree = tree,
                            .binds = {{packages.folder(), "/packages"}},
                            .resolv_conf = line.resolv_conf()});
    // The cadences of everybody's laptop.
    laptop.Write("/etc/candor/agent.toml", testing::ServiceSettings(line));
    testing::WriteEnrollFile(laptop, collector);
    testing::InstallPackage(laptop, packages.FileOf("candor-agent"));
    const Desktop desktop(laptop.AmongProcesses());
    Person person(laptop, "alice", desktop.display());
    person.SignIn();
    REQUIRE(WaitFor(60, [&] { return !collector.Rows({"devices"}).empty(); }));

    Worker worker(laptop, person, desktop, seed);
    Meter meter(laptop, person);
    while (meter.seconds() < kWarmUpS) worker.WorkAWhile(false);
    const testing::Process peers({.words = {CANDOR_SOURCE_DIR "/tests/bench/agent/run.py",
                                            "--peers-only", "--minutes", std::to_string(minutes)}});
    meter.Begin();
    std::vector<int64_t> rss_kib;
    while (meter.seconds() < minutes * 60) {
      const double due = stops_an_hour * meter.seconds() / 3'600;
      worker.WorkAWhile(static_cast<double>(worker.stops()) < due);
      rss_kib.push_back(meter.Since("candor-agent").rss_kib);
    }
    // Of most moments; while it ticks it has more.
    std::nth_element(rss_kib.begin(), rss_kib.begin() + rss_kib.size() / 2, rss_kib.end());
    const int64_t usual_rss_kib = rss_kib[rss_kib.size() / 2];
    const double seconds = meter.seconds();
    const Cost agent = meter.Since("candor-agent");
    const Cost session = meter.Since("candor-session");
    const double uplink_s = meter.UplinkSince();
    worker.Leave();

    // Nobody touches anything any more.
    meter.Begin();
    std::this_thread::sleep_for(std::chrono::seconds(kIdleS));
    const Cost idle = meter.Since("candor-session");
    const double idle_s = meter.seconds();
    std::vector<int64_t> hangs_ms;
    const bool told = WaitFor(400, [&] {
      hangs_ms = HangsSent(laptop);
      return hangs_ms.size() >= worker.hangs_ms().size();
    });
    CHECK(told);
    CHECK_FALSE(worker.hangs_ms().empty());

    const double together_s = agent.cpu_s + uplink_s + session.cpu_s;
    std::printf("\n%.0f s of desktop use, seed %llu, %lld stops, %zu of them hangs\n", seconds,
                static_cast<unsigned long long>(seed), static_cast<long long>(worker.stops()),
                worker.hangs_ms().size());
    std::printf("%-28s %10s %10s %8s\n", "program", "CPU % core", "wakeups/s", "RSS MiB");
    Print("candor-agent", agent.cpu_s, static_cast<double>(agent.switches), seconds, usual_rss_kib);
    Print("its uplink, in pushes", uplink_s, 0, seconds, 0);
    Print("candor-session", session.cpu_s, static_cast<double>(session.switches), seconds,
          session.rss_kib);
    Print("candor-session, nobody there", idle.cpu_s, static_cast<double>(idle.switches), idle_s,
          idle.rss_kib);
    std::cout << peers.out() << peers.err();
    std::printf(
        "result: %.0f s, %lld stops, %zu hangs, together %.3f %% of a core, candor-agent %.1f MB, "
        "candor-session %.1f MB and %.2f wakeups/s when idle\n",
        seconds, static_cast<long long>(worker.stops()), hangs_ms.size(),
        100 * together_s / seconds, static_cast<double>(usual_rss_kib) * 1'024 / 1e6,
        static_cast<double>(session.rss_kib) * 1'024 / 1e6,
        static_cast<double>(idle.switches) / idle_s);

    CHECK(together_s / seconds < kCoreShareMax);
    CHECK(usual_rss_kib < kAgentKibMax);
    CHECK(std::max(session.rss_kib, idle.rss_kib) < kSessionKibMax);
    CHECK(static_cast<double>(idle.switches) / idle_s <= kIdleWakeupsMax);
    REQUIRE(hangs_ms.size() == worker.hangs_ms().size());
    for (size_t i = 0; i < hangs_ms.size(); ++i) {
      const auto truth = static_cast<double>(worker.hangs_ms()[i]);
      CHECK(std::abs(static_cast<double>(hangs_ms[i]) - truth) <= std::max(1'000.0, truth / 20));
    }
  });
}

}  // namespace
}  // namespace candor
