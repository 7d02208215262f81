// The crash sampler beside core dumps: loops, out-of-memory kills, the kernel's lines, apport's
// log.
#include <fstream>

#include "tests/support/catch.h"
#include "tests/unit/agent/samplers/crash/crash_machine.h"

namespace candor {
namespace {

using testing::CrashMachine;
using testing::DumpedCore;
using testing::FailedUnit;
using testing::KernelSays;

TEST_CASE("failures of the whole system come from the kernel's lines") {
  CrashMachine machine;
  machine.Sample();
  machine.Log(KernelSays("Out of memory: Killed process 12 (sleep) total-vm:1kB, anon-rss:1kB"));
  machine.Log(KernelSays("amdgpu 0000:06:00.0: amdgpu: GPU reset begin!"));
  machine.Log(KernelSays("usb 1-1: new high-speed USB device"));
  machine.Sample();
  REQUIRE(machine.recorder.events.size() == 2);
  const v1::SystemFailure& kill = machine.recorder.events[0].event.system_failure();
  CHECK(kill.kind() == v1::SystemFailure::OUT_OF_MEMORY_KILL);
  CHECK(kill.detail() == "sleep");
  CHECK(machine.recorder.events[1].event.system_failure().kind() == v1::SystemFailure::GPU_RESET);
}

TEST_CASE("where apport takes the core dumps its reports are the crashes") {
  CrashMachine machine;
  machine.SetCorePattern("|/usr/share/apport/apport -p%p -s%s -c%c -d%d -P%P -u%u -g%g -- %E");
  testing::WriteFile(machine.context.roots.proc + "/sys/kernel/random/boot_id",
                     "11111111-2222-3333-4444-555555555555\n");
  machine.Sample();
  const auto report = [&](uint32_t pid, const std::string& program) {
    const std::string head = "INFO: apport (pid 9) " + machine.LocalTime() + ": ";
    std::ofstream(machine.context.roots.var + "/log/apport.log", std::ios::app)
        << head << "called for pid " << pid << ", signal 6, core limit 0, dump mode 1\n"
        << head << "executable: " << program << " (command line \"x --password=hunter2\")\n";
  };
  machine.Log(KernelSays("sleep[4711]: segfault at 0 ip 0 sp 0 error 4 in sleep[55+1]"));
  machine.Log(KernelSays("env[5]: segfault at 0 ip 0 sp 0 error 4 in env[55+1]"));
  report(4711, "/usr/bin/sleep");
  report(4712, "/home/alice/thesis/secretname");
  machine.Log({{"MESSAGE_ID", "d9b373ed55a64feb8242e02dbe79a49c"},
               {"UNIT", "cups.service"},
               {"UNIT_RESULT", "core-dump"}});
  machine.Sample();
  machine.Restart();
  machine.clock.Advance(40'000);
  machine.Sample();
  machine.Restart();
  machine.SampleLater();
  const auto crashes = machine.Crashes();
  REQUIRE(crashes.size() == 3);
  std::map<std::string, std::string> by_source;
  for (const v1::Crash& crash : crashes) by_source[crash.program()] += crash.source();
  CHECK(by_source == std::map<std::string, std::string>{
                         {"sleep", "apport"}, {"other", "apport"}, {"env", "kernel"}});
  CHECK(machine.recorder.unmeasured.empty());
  CHECK(machine.recorder.watched.contains("coredumps"));
  for (const auto& kept : machine.recorder.events) {
    CHECK_FALSE(kept.event.has_unit_failure());
    CHECK(kept.event.SerializeAsString().find("hunter2") == std::string::npos);
    CHECK(kept.event.SerializeAsString().find("thesis") == std::string::npos);
  }
}

TEST_CASE("a program that exceeds a limit of its own crashed by SIGKILL") {
  CrashMachine machine;
  machine.Sample();
  machine.Log(KernelSays("Memory cgroup out of memory: Killed process 12 (sleep) total-vm:1kB"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  CHECK(machine.Crashes()[0].program() == "sleep");
  CHECK(machine.Crashes()[0].signal() == 9);
  CHECK(machine.Crashes()[0].source() == "out_of_memory");
}

TEST_CASE("what systemd-oomd ended is named like a program, or like a unit") {
  CrashMachine machine;
  machine.Sample();
  const auto oomd = [](const std::string& unit) {
    return testing::Fields{{"MESSAGE_ID", "d989611b15e44c9dbf31e3c81256e4ed"},
                           {"USER_UNIT", unit},
                           {"MESSAGE", "systemd-oomd killed 3 process(es) in this unit."}};
  };
  const auto [unit, detail] = GENERATE(
      table<std::string, std::string>({{"app-gnome-sleep-4021.scope", "sleep"},
                                       {"app-gnome-secretname-4021.scope", "other"},
                                       {"app-flatpak-org.gimp.GIMP-2345.scope", "org.gimp.GIMP"},
                                       {"cups.service", "cups.service"},
                                       {"alices-backup.service", "other.service"}}));
  machine.Log(oomd(unit));
  machine.Sample();
  REQUIRE(machine.recorder.events.size() == 1);
  const v1::SystemFailure& failure = machine.recorder.events[0].event.system_failure();
  CHECK(failure.kind() == v1::SystemFailure::OUT_OF_MEMORY_KILL);
  CHECK(failure.detail() == detail);
}

TEST_CASE("loops are counted across restarts: a program that dies, a service that flaps") {
  CrashMachine machine;
  machine.Sample();
  uint32_t pid = 0;
  for (int round = 0; round < 6; ++round) {
    machine.clock.Advance(5'000);
    machine.Log(DumpedCore(++pid, "/usr/bin/sleep"));
    machine.Log(FailedUnit("cups.service"));
    machine.Sample();
    if (round % 2 == 1) machine.Restart();
  }
  machine.SampleLater();
  machine.Restart();
  machine.SampleLater();
  uint32_t crashes = 0;
  uint32_t failures = 0;
  for (const auto& kept : machine.recorder.events) {
    if (kept.event.has_crash()) crashes += 1 + kept.event.crash().repeats();
    if (kept.event.has_unit_failure()) failures += 1 + kept.event.unit_failure().repeats();
  }
  CHECK(crashes == 6);
  CHECK(failures == 6);
  // The flapping service is one event; the crash was told at once after each start, then counted.
  CHECK(machine.recorder.events.back().event.has_unit_failure());
  CHECK(machine.recorder.events.size() <= 5);
}

TEST_CASE("a long backlog is told in portions, all of it, and none of it urgent when old") {
  CrashMachine machine;
  machine.Sample();
  machine.Restart();
  constexpr uint32_t kCrashes = 150;
  std::vector<testing::RecordedEntry> entries;
  for (uint32_t i = 0; i < kCrashes; ++i) {
    machine.clock.Advance(1'000);
    entries.push_back({kCrashBoot, machine.clock.WallMs() * 1000, machine.clock.BoottimeMs() * 1000,
                       DumpedCore(i + 1, i % 2 == 0 ? "/usr/bin/sleep" : "/usr/bin/env")});
  }
  testing::AppendJournal(machine.context.roots.var + "/log/journal/system.journal", entries);
  machine.clock.Advance(3'600'000);
  for (int tick = 0; tick < 5; ++tick) machine.Sample();
  uint32_t told = 0;
  for (const v1::Crash& crash : machine.Crashes()) told += 1 + crash.repeats();
  CHECK(told == kCrashes);
  for (const auto& kept : machine.recorder.events) CHECK_FALSE(kept.urgent);
}

}  // namespace
}  // namespace candor
