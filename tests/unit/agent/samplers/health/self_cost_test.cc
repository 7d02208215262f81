#include "agent/samplers/health/self_cost.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using Key = testing::RecordingRecorder::Key;

constexpr char kStat[] =
    "4021 (a (b) c) S 1 4021 4021 0 -1 4194560 1200 0 3 0 250 130 0 0 20 0 1 0 8812 ";

TEST_CASE("CPU ticks are found behind whatever name a program has") {
  CHECK(ParseCpuTicks(kStat) == 380);
  CHECK_FALSE(ParseCpuTicks("4021 (name) S 1 2 3"));
  CHECK_FALSE(ParseCpuTicks(""));
}

TEST_CASE("fields are found by their whole name") {
  const std::string status =
      "VmRSSx:\t1 kB\nVmRSS:\t    5312 kB\nvoluntary_ctxt_switches:\t40\n"
      "nonvoluntary_ctxt_switches:\t2\n";
  CHECK(ParseField(status, "VmRSS") == 5312);
  CHECK(ParseField(status, "voluntary_ctxt_switches") == 40);
  CHECK(ParseField(status, "nonvoluntary_ctxt_switches") == 2);
  CHECK_FALSE(ParseField(status, "VmSwap"));
  CHECK_FALSE(ParseField("VmRSS:\tmany\n", "VmRSS"));
}

class Proc {
 public:
  Proc() { std::filesystem::create_directories(folder_.File("self")); }
  void Set(int utime, int rss_kib, int switches, int written) {
    Write("stat", "7 (candor-agent) S 1 7 7 0 -1 0 0 0 0 0 " + std::to_string(utime) +
                      " 10 0 0 20 0 1 0 8812 0\n");
    Write("status", "Name:\tcandor-agent\nVmRSS:\t" + std::to_string(rss_kib) +
                        " kB\nvoluntary_ctxt_switches:\t" + std::to_string(switches) +
                        "\nnonvoluntary_ctxt_switches:\t5\n");
    Write("io", "rchar: 1\nwchar: 2\nread_bytes: 3\nwrite_bytes: " + std::to_string(written) +
                    "\ncancelled_write_bytes: 0\n");
  }
  void RemoveIo() { std::filesystem::remove(folder_.File("self/io")); }
  const std::string& path() const { return folder_.path(); }

 private:
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.File("self/" + name)) << text;
  }
  testing::TempFolder folder_;
};

struct Daemon {
  explicit Daemon(const std::string& proc) {
    LinuxRoots roots;
    roots.proc = proc;
    sampler = MakeSelfCostSampler({io, clock, recorder, roots, {}});
  }
  void Sample(bool minute_start = true) {
    testing::RunSample(io, *sampler, {.minute_start = minute_start});
  }
  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  std::unique_ptr<Sampler> sampler;
};

TEST_CASE("the daemon's costs add up from its start") {
  Proc proc;
  proc.Set(40, 5'312, 100, 8'192);
  Daemon daemon(proc.path());
  daemon.Sample();
  proc.Set(43, 5'400, 130, 20'480);
  daemon.Sample(false);  // not a new minute: not read
  CHECK(daemon.recorder.gauges.at({metric::kAgentMemory, "daemon"}) == 5'312);
  daemon.Sample();
  CHECK(daemon.recorder.counted.at({metric::kAgentCpu, "daemon"}) == 530);  // 53 ticks of 10 ms
  CHECK(daemon.recorder.counted.at({metric::kAgentWakeups, "daemon"}) == 135);
  CHECK(daemon.recorder.counted.at({metric::kAgentDiskWrites, "daemon"}) == 20'480);
  CHECK(daemon.recorder.gauges.at({metric::kAgentMemory, "daemon"}) == 5'400);
  CHECK(daemon.recorder.unmeasured.empty());
}

TEST_CASE("what the kernel does not count is unmeasured with the reason") {
  Proc proc;
  SECTION("no I/O accounting") {
    proc.Set(40, 5'312, 100, 0);
    proc.RemoveIo();
    Daemon daemon(proc.path());
    daemon.Sample();
    CHECK(daemon.recorder.unmeasured.size() == 1);
    CHECK(daemon.recorder.unmeasured.count(Key{metric::kAgentDiskWrites, "daemon"}) == 1);
    CHECK(daemon.recorder.counted.count(Key{metric::kAgentDiskWrites, "daemon"}) == 0);
    CHECK(daemon.recorder.counted.count(Key{metric::kAgentCpu, "daemon"}) == 1);
  }
  SECTION("no /proc at all") {
    Daemon daemon(proc.path() + "/nowhere");
    daemon.Sample();
    CHECK(daemon.recorder.unmeasured.size() == kSelfCostMetrics.size());
    CHECK(daemon.recorder.counted.empty());
  }
}

TEST_CASE("this very process's costs agree with what the system says of it") {
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  auto cost = ReadSelfCost("/proc");
  getrusage(RUSAGE_SELF, &after);
  REQUIRE_OK(cost);
  const auto cpu_ms = [](const rusage& usage) {
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
  };
  CHECK(cost->cpu_ms >= cpu_ms(before) - 30);  // clock ticks of 10 ms, user and system
  CHECK(cost->cpu_ms <= cpu_ms(after) + 30);
  CHECK(cost->switches >= before.ru_nvcsw + before.ru_nivcsw);
  CHECK(cost->switches <= after.ru_nvcsw + after.ru_nivcsw);
  CHECK(cost->rss_kib > 500);
  CHECK(cost->rss_kib <= after.ru_maxrss * 2);
}

TEST_CASE("every metric of the sampler is in the registry as the agent's own") {
  for (const uint32_t number : kSelfCostMetrics) {
    REQUIRE(FindMetric(number) != nullptr);
    CHECK(FindMetric(number)->family == "agent");
  }
}

}  // namespace
}  // namespace candor
