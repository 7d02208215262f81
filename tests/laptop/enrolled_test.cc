// A booted laptop enrolled with a real collector: a crash is told once, soon and by its right name,
// and the laptop gets a score.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <thread>

#include "tests/laptop/container.h"
#include "tests/laptop/core_dumps.h"
#include "tests/laptop/laptop_line.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/packages.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/wait_for.h"

namespace candor {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;
using testing::CollectorFixture;
using testing::Container;
using testing::LaptopLine;
using testing::WaitFor;

// A laptop with candor-agent installed, which enrols by itself.
class EnrolledLaptop {
 public:
  EnrolledLaptop(const std::string& tree, LaptopLine& line, CollectorFixture& collector,
                 const testing::Packages& packages, bool hears_kernel)
      : laptop({.tree = tree,
                .binds = {{packages.folder(), "/packages"}},
                .resolv_conf = line.resolv_conf(),
                .hears_kernel = hears_kernel}),
        collector_(collector) {
    testing::WriteQuickSettings(laptop, line);
    testing::WriteEnrollFile(laptop, collector);
    testing::InstallPackage(laptop, packages.FileOf("candor-agent"));
  }

  // The one device of the fleet, as `candor device` shows it; null before its first push.
  json Device() {
    const json devices = collector_.Rows({"devices"});
    if (devices.empty()) return nullptr;
    const json rows = collector_.Rows({"device", devices.at(0).at("device"), "--table", "device"});
    return rows.empty() ? json(nullptr) : rows.at(0);
  }
  // How many crashes of `program` the collector knows.
  int64_t CrashesOf(const std::string& program) {
    for (const json& row : collector_.Rows({"crashes", "--by", "app"})) {
      if (row.contains("app") && row.at("app") == program) return row.at("crashes");
    }
    return 0;
  }
  // How often `unit` failed, and in how many rows the collector has it.
  std::pair<int64_t, size_t> FailuresOf(const std::string& unit) {
    std::pair<int64_t, size_t> found;
    for (const json& row : collector_.Rows({"crashes", "--table", "unit_failures"})) {
      if (row.at("unit") != unit) continue;
      found.first += row.at("times").get<int64_t>();
      ++found.second;
    }
    return found;
  }
  std::string Status() const {
    return laptop.Run({"candor-agent", "status"}).out +
           laptop.Run({"journalctl", "--no-pager", "-n", "50", "-u", "candor*"}).out;
  }

  Container laptop;

 private:
  CollectorFixture& collector_;
};

// Runs `body` with a laptop that has pushed.
void OnEnrolledLaptop(bool hears_kernel, const std::function<void(EnrolledLaptop&)>& body) {
  const std::string tree = testing::SystemTree();
  LaptopLine line(10'000);
  const testing::Packages packages("deb");
  line.OnLaptop([&] {
    CollectorFixture collector;
    collector.Start();
    EnrolledLaptop enrolled(tree, line, collector, packages, hears_kernel);
    INFO(enrolled.Status());
    REQUIRE(WaitFor(150, [&] { return !enrolled.Device().is_null(); }));
    body(enrolled);
  });
}

// Programs that wait, by the name that is to be told. `secret-project` belongs to no package.
const std::map<std::string, std::string> kVictims = {
    {"dd", "/usr/bin/dd if=/dev/zero of=/dev/null"},
    {"other", "/usr/local/bin/secret-project 1000"},
    {"sleep", "/usr/bin/sleep 1000"},
    {"tail", "/usr/bin/tail -f /dev/null"},
    {"yes", "/usr/bin/yes >/dev/null"}};
constexpr std::array kSignals = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE};

void Crash(EnrolledLaptop& enrolled, const std::string& victim, int signal) {
  enrolled.laptop.Run(
      {"sh", "-c",
       kVictims.at(victim) + " & sleep 0.3; kill -" + std::to_string(signal) + " $!; wait"});
}

// Name and signal of every crash that was sent.
using Crashes = std::multiset<std::pair<std::string, int>>;
Crashes CrashesSent(const Container& laptop) {
  Crashes sent;
  for (const json& row : testing::SentRows(laptop)) {
    if (row.at("name") != "crash") continue;
    const std::string detail = row.at("detail");
    const auto field = [&](const std::string& key) {
      const size_t at = detail.find(key + "=");
      if (at == std::string::npos) return std::string("?");
      return detail.substr(at + key.size() + 1,
                           detail.find_first_of(", ", at) - at - key.size() - 1);
    };
    sent.emplace(field("program"), std::atoi(field("signal").c_str()));
  }
  return sent;
}

// Five programs die for real by each of four signals, the agent is killed in between, and each
// crash is told once, by the name that may be told.
void CrashAndTell(EnrolledLaptop& enrolled) {
  const testing::CrashForwarding forwarding(enrolled.laptop);
  enrolled.laptop.Check({"cp", "/usr/bin/sleep", "/usr/local/bin/secret-project"});
  Crash(enrolled, "sleep", SIGSEGV);
  REQUIRE(WaitFor(30, [&] {
    return enrolled.laptop.Run({"coredumpctl", "--no-legend", "list"}).out.find("sleep") !=
           std::string::npos;
  }));
  const auto in_journal = steady_clock::now();
  // The agent looks at the journal with its next tick, at most 10 s away, and pushes at once.
  const bool told = WaitFor(60, [&] { return enrolled.CrashesOf("sleep") == 1; });
  const auto took_s =
      std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - in_journal).count();
  INFO(enrolled.Status());
  REQUIRE(told);
  CHECK(took_s <= 10 + 15);

  Crashes all;
  for (const int signal : kSignals) {
    if (signal == SIGBUS) {
      enrolled.laptop.Check({"systemctl", "kill", "--signal=KILL", "candor-agent"});
    }
    if (signal == SIGFPE) enrolled.laptop.Check({"systemctl", "start", "candor-agent"});
    for (const auto& [name, command] : kVictims) {
      all.emplace(name, signal);
      if (name != "sleep" || signal != SIGSEGV) Crash(enrolled, name, signal);
    }
  }
  Crashes sent;
  WaitFor(150, [&] {
    sent = CrashesSent(enrolled.laptop);
    return sent.size() >= all.size();
  });
  CHECK(sent == all);
}

// A service that dies at once six times, until systemd gives it up and says so as a seventh
// failure.
constexpr char kFlapping[] = "candor-flapping.service";
void StartFlapping(const EnrolledLaptop& enrolled) {
  enrolled.laptop.Write(std::string("/usr/lib/systemd/system/") + kFlapping,
                        "[Unit]\nStartLimitBurst=6\nStartLimitIntervalSec=60\n"
                        "[Service]\nExecStart=/bin/sh -c \"exit 3\"\n"
                        "Restart=on-failure\nRestartSec=100ms\n");
  enrolled.laptop.Check({"systemctl", "daemon-reload"});
  enrolled.laptop.Check({"systemctl", "start", kFlapping});
  const bool given_up = WaitFor(30, [&] {
    return enrolled.laptop.Run({"journalctl", "-u", kFlapping}).out.find("too quickly") !=
           std::string::npos;
  });
  REQUIRE(given_up);
}

TEST_CASE(
    "a crash is told once, by its right name, within 15 s of its push, and the laptop is scored") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  OnEnrolledLaptop(/*hears_kernel=*/false, [](EnrolledLaptop& enrolled) {
    StartFlapping(enrolled);
    const std::string no_crashes = testing::LacksForCoreDumps();
    if (no_crashes.empty()) {
      CrashAndTell(enrolled);
    } else {
      WARN("without crashes: " << no_crashes);
    }

    // The agent finds its place in the journal again.
    enrolled.laptop.Check({"systemctl", "restart", "candor-agent"});
    json device;
    const bool scored = WaitFor(240, [&] {
      device = enrolled.Device();
      return device.at("score").is_number();
    });
    INFO(device.dump(1) << enrolled.Status());
    REQUIRE(scored);
    for (const auto& [name, command] : kVictims) {
      INFO(name);
      const int64_t crashes = no_crashes.empty() ? int64_t{kSignals.size()} : 0;
      CHECK(WaitFor(60, [&, &program = name] { return enrolled.CrashesOf(program) == crashes; }));
    }
    CHECK(enrolled.CrashesOf("secret-project") == 0);
    // Counted on the laptop across the agent's restart, told a minute after the last.
    CHECK(WaitFor(180, [&] { return enrolled.FailuresOf(kFlapping).second > 0; }));
    const auto [times, rows] = enrolled.FailuresOf(kFlapping);
    CHECK(times == 6);
    CHECK(rows == 1);
    CHECK(device.at("coverage").get<double>() >= 0.30);
    CHECK(device.at("score").get<double>() > 0);
    CHECK(device.at("score").get<double>() < 100);
    CHECK(device.at("provisional") == true);
  });
}

// A small group of this machine's control groups, of version 1.
class MemoryGroup {
 public:
  // Throws std::runtime_error where there is none to be had.
  MemoryGroup() : path_("/sys/fs/cgroup/memory/candor-test-" + std::to_string(getpid())) {
    std::error_code error;
    std::filesystem::create_directory(path_, error);
    std::ofstream limit(path_ + "/memory.limit_in_bytes");
    limit << (16 << 20);
    limit.close();
    if (limit) return;
    rmdir(path_.c_str());
    throw std::runtime_error("no memory controller of version 1 to make a group in");
  }
  ~MemoryGroup() { rmdir(path_.c_str()); }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  // Runs a program in the group, to its end.
  testing::Outcome Run(const std::vector<std::string>& words) const {
    std::vector<std::string> all = {"sh", "-c", "echo $$ >\"$0\"/cgroup.procs && exec \"$@\"",
                                    path_};
    all.insert(all.end(), words.begin(), words.end());
    return testing::RunProgram(all, 60'000);
  }

 private:
  std::string path_;
};

// Why the kernel's own kills cannot be seen here; like core dumps, that is not a container's to
// decide.
std::string LacksForKernelKills() {
  if (!std::ifstream("/dev/kmsg")) return "the kernel's log cannot be read";
  try {
    const MemoryGroup group;
    return {};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TEST_CASE("a program that the kernel kills for its group's memory is told by name and signal") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  if (const std::string lacks = LacksForKernelKills(); !lacks.empty()) {
    WARN("left out: " << lacks);
    return;
  }
  OnEnrolledLaptop(/*hears_kernel=*/true, [](EnrolledLaptop& enrolled) {
    const MemoryGroup group;
    const auto killed = [&] {
      // Reads one line without an end into its memory.
      return group.Run(enrolled.laptop.Inside({"/usr/bin/tail", "/dev/zero"})).exit_code;
    };
    REQUIRE(killed() == 128 + SIGKILL);
    INFO(enrolled.Status());
    CHECK(WaitFor(60, [&] { return enrolled.CrashesOf("tail") == 1; }));
    CHECK(CrashesSent(enrolled.laptop).count({"tail", SIGKILL}) == 1);
  });
}

}  // namespace
}  // namespace candor
