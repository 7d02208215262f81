// The whole crash sampler against real journal files and a package database with recorded content.
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "agent/samplers/crash/crash.h"
#include "common/hash.h"
#include "common/registry.h"
#include "common/time_text.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recorded_journal.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

const std::string kBoot = "11111111222233334444555555555555";
using Fields = std::vector<std::pair<std::string, std::string>>;

void Write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

Fields Coredump(uint32_t pid, const std::string& executable) {
  return {{"MESSAGE_ID", "fc2e22bc6ee647b6b90729ab34a250b1"},
          {"MESSAGE",
           "Process 1 (x) of user 1000 dumped core.\n\nStack trace of thread 1:\n"
           "#0  0x00007f60a3f2e503 clock_nanosleep (libc.so.6 + 0xcf503)\n"},
          {"COREDUMP_PID", std::to_string(pid)},
          {"COREDUMP_EXE", executable},
          {"COREDUMP_COMM", "secretname"},
          {"COREDUMP_CMDLINE", "secretname --password=hunter2"},
          {"COREDUMP_ENVIRON", "TOKEN=hunter2"},
          {"COREDUMP_SIGNAL", "11"},
          {"COREDUMP_UNIT", "session-1.scope"}};
}
Fields UnitFailure(const std::string& unit) {
  return {{"MESSAGE_ID", "d9b373ed55a64feb8242e02dbe79a49c"},
          {"MESSAGE", unit + ": Failed with result 'exit-code'."},
          {"UNIT", unit},
          {"UNIT_RESULT", "exit-code"}};
}
Fields Kernel(const std::string& text) { return {{"_TRANSPORT", "kernel"}, {"MESSAGE", text}}; }

struct Machine {
  Machine() {
    context.roots.proc = folder.File("proc");
    context.roots.var = folder.File("var");
    context.roots.usr = folder.File("usr");
    context.roots.run = folder.File("run");
    SetCorePattern("|/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h");
    const std::string dpkg = context.roots.var + "/lib/dpkg";
    Write(dpkg + "/status",
          "Package: bash\nVersion: 5.2\n\nPackage: coreutils\nArchitecture: amd64\n"
          "Version: 9.1-1\n\n");
    Write(dpkg + "/info/bash.list", "/.\n/bin\n/bin/bash\n");
    Write(dpkg + "/info/coreutils.list", "/.\n/bin\n/bin/sleep\n/usr/bin/env\n");
    Write(context.roots.usr + "/lib/systemd/system/cups.service", "");
    fs::create_directories(context.roots.var + "/log/journal");
    Log({{"MESSAGE", "the machine is up"}});
  }

  void SetCorePattern(const std::string& pattern) const {
    Write(context.roots.proc + "/sys/kernel/core_pattern", pattern + "\n");
  }

  // Writes an entry now; each is a millisecond apart from the one before.
  void Log(const Fields& fields) { LogTo("system.journal", fields); }
  void LogTo(const std::string& file, const Fields& fields) {
    clock.Advance(1);
    testing::AppendJournal(context.roots.var + "/log/journal/" + file,
                           {{kBoot, clock.WallMs() * 1000, clock.BoottimeMs() * 1000, fields}});
  }

  // Until what is held is told.
  void SampleLater() {
    clock.Advance(61'000);
    Sample();
  }
  void Sample() {
    if (sampler == nullptr) sampler = MakeCrashSampler(context);
    testing::RunSample(io, *sampler, {clock.WallMs(), clock.BoottimeMs(), true, true});
  }
  // The agent stops and starts again with what was saved.
  void Restart() {
    for (const auto& [name, value] : recorder.cursors) saved[name] = value;
    sampler.reset();
  }
  // As apport writes it.
  std::string LocalTime() const {
    const int64_t wall_ms = clock.WallMs();
    std::string text = FormatTime(wall_ms + clock.UtcOffsetMin(wall_ms) * int64_t{60'000});
    text = text.substr(0, 19) + ",000";
    text[10] = ' ';
    return text;
  }
  std::vector<v1::Crash> Crashes() const {
    std::vector<v1::Crash> crashes;
    for (const auto& kept : recorder.events) {
      if (kept.event.has_crash()) crashes.push_back(kept.event.crash());
    }
    return crashes;
  }

  testing::TempFolder folder;
  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  std::map<std::string, std::string> saved;
  SamplerContext context{io, clock, recorder, {}, [this](std::string_view name) {
                           const auto at = saved.find(std::string(name));
                           return at == saved.end() ? std::string() : at->second;
                         }};
  std::unique_ptr<Sampler> sampler;
};

TEST_CASE("a core dump of an installed program is told once, named, urgent, without secrets") {
  Machine machine;
  machine.Sample();
  machine.Log(Coredump(4711, "/usr/bin/sleep"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  const v1::Crash crash = machine.Crashes()[0];
  CHECK(crash.program() == "sleep");
  CHECK(crash.version() == "9.1-1");
  CHECK(crash.owned());
  CHECK(crash.signal() == 11);
  CHECK(crash.stack_signature().size() == 8);
  CHECK(crash.source() == "coredump");
  const auto& kept = machine.recorder.events.at(0);
  CHECK(kept.urgent);
  CHECK(ToHex(kept.boot_id) == kBoot);
  CHECK(kept.event.wall_ms() == machine.clock.WallMs());
  CHECK(kept.event.SerializeAsString().find("hunter2") == std::string::npos);
  CHECK(kept.event.SerializeAsString().find("secretname") == std::string::npos);

  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
}

TEST_CASE("a program that nobody installed is other, whatever it is called") {
  Machine machine;
  machine.Sample();
  machine.Log(Coredump(4711, "/home/alice/thesis/secretname"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  CHECK(machine.Crashes()[0].program() == "other");
  CHECK(machine.Crashes()[0].version().empty());
  CHECK_FALSE(machine.Crashes()[0].owned());
  CHECK(machine.recorder.events[0].event.SerializeAsString().find("thesis") == std::string::npos);
}

TEST_CASE("a program in a container is none of the system's, though its path looks like one") {
  Machine machine;
  machine.Sample();
  Fields fields = Coredump(4711, "/usr/bin/sleep");
  fields.emplace_back("COREDUMP_CONTAINER_CMDLINE", "/usr/bin/conmon --api-version 1");
  machine.Log(fields);
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  CHECK(machine.Crashes()[0].program() == "other");
  CHECK_FALSE(machine.Crashes()[0].owned());
}

TEST_CASE("what happened before the very first start was not watched and is not told") {
  Machine machine;
  machine.Log(Coredump(1, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.Crashes().empty());
  CHECK_FALSE(machine.recorder.cursors.at("journal").empty());
  machine.Log(Coredump(2, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
}

TEST_CASE("across a restart nothing is missed and nothing told twice") {
  Machine machine;
  SECTION("with a crash behind it") {
    machine.Sample();
    machine.Log(Coredump(1, "/usr/bin/sleep"));
    machine.Sample();
  }
  SECTION("with an empty journal behind it") { machine.Sample(); }
  const size_t before = machine.Crashes().size();
  machine.Restart();
  machine.Log(Coredump(2, "/usr/bin/env"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == before + 1);
  CHECK(machine.Crashes().back().program() == "env");
  machine.Restart();
  machine.Sample();
  CHECK(machine.Crashes().size() == before + 1);
}

TEST_CASE("a finding that still waits is read again after a restart") {
  Machine machine;
  machine.Sample();
  machine.Log(Coredump(1, "/usr/bin/sleep"));
  machine.Log(Kernel("env[77]: segfault at 0 ip 0 sp 0 error 4 in env[55+1]"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
  machine.Restart();
  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
  machine.clock.Advance(31'000);
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 2);
  CHECK(machine.Crashes()[1].program() == "env");
  CHECK(machine.Crashes()[1].source() == "kernel");
  CHECK(machine.Crashes()[1].owned());
}

TEST_CASE("at no moment is an incident told whose position is not, however long names take") {
  Machine machine;
  machine.Sample();
  // So many packages that every name is looked up in several turns.
  for (int i = 0; i < 200; ++i) {
    Write(machine.context.roots.var + "/lib/dpkg/info/a" + std::to_string(i) + ".list", "/x\n");
  }
  const std::string before = machine.recorder.cursors.at("journal");
  machine.Log(UnitFailure("cups.service"));
  machine.Log(Coredump(1, "/usr/bin/sleep"));
  machine.Log(Coredump(2, "/usr/bin/env"));
  boost::asio::co_spawn(
      machine.io,
      machine.sampler->Sample({machine.clock.WallMs(), machine.clock.BoottimeMs(), true, true}),
      boost::asio::detached);
  machine.io.restart();
  int turns = 0;
  while (machine.io.poll_one() > 0) {
    ++turns;
    const bool told = !machine.recorder.events.empty();
    const bool saved = machine.recorder.cursors.at("journal") != before;
    const bool held = machine.recorder.cursors.contains("crash_loops");
    REQUIRE(told == saved);
    REQUIRE(held == saved);
  }
  CHECK(turns > 10);
  CHECK(machine.recorder.events.size() == 2);
  machine.SampleLater();
  CHECK(machine.recorder.events.size() == 3);
}

TEST_CASE("rotation loses nothing: before, across and behind it") {
  Machine machine;
  machine.Sample();
  machine.Log(Coredump(1, "/usr/bin/sleep"));
  const std::string journal = machine.context.roots.var + "/log/journal/";
  fs::rename(journal + "system.journal", journal + "system@rotated.journal");
  machine.Log(Coredump(2, "/usr/bin/env"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 2);
  machine.Log(Coredump(3, "/usr/bin/sleep"));
  machine.SampleLater();
  CHECK(machine.Crashes().size() == 3);
}

TEST_CASE("a person's own journal is read too") {
  Machine machine;
  machine.Sample();
  machine.LogTo("user-1000.journal", Coredump(1, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
  machine.LogTo("user-1000.journal", Coredump(2, "/usr/bin/env"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 2);
}

TEST_CASE("units are named only where a package brought them") {
  Machine machine;
  machine.Sample();
  machine.Log(UnitFailure("cups.service"));
  machine.Log(UnitFailure("alices-backup.service"));
  machine.Sample();
  CHECK(machine.recorder.events.empty());
  machine.SampleLater();
  REQUIRE(machine.recorder.events.size() == 2);
  CHECK(machine.recorder.events[0].event.unit_failure().unit() == "cups.service");
  CHECK(machine.recorder.events[0].event.unit_failure().result() == "exit-code");
  CHECK(machine.recorder.events[1].event.unit_failure().unit() == "other.service");
  CHECK_FALSE(machine.recorder.events[0].urgent);
}

TEST_CASE("failures of the whole system come from the kernel's lines") {
  Machine machine;
  machine.Sample();
  machine.Log(Kernel("Out of memory: Killed process 12 (sleep) total-vm:1kB, anon-rss:1kB"));
  machine.Log(Kernel("amdgpu 0000:06:00.0: amdgpu: GPU reset begin!"));
  machine.Log(Kernel("usb 1-1: new high-speed USB device"));
  machine.Sample();
  REQUIRE(machine.recorder.events.size() == 2);
  const v1::SystemFailure& kill = machine.recorder.events[0].event.system_failure();
  CHECK(kill.kind() == v1::SystemFailure::OUT_OF_MEMORY_KILL);
  CHECK(kill.detail() == "sleep");
  CHECK(machine.recorder.events[1].event.system_failure().kind() == v1::SystemFailure::GPU_RESET);
}

TEST_CASE("where apport takes the core dumps its reports are the crashes") {
  Machine machine;
  machine.SetCorePattern("|/usr/share/apport/apport -p%p -s%s -c%c -d%d -P%P -u%u -g%g -- %E");
  Write(machine.context.roots.proc + "/sys/kernel/random/boot_id",
        "11111111-2222-3333-4444-555555555555\n");
  machine.Sample();
  const auto report = [&](uint32_t pid, const std::string& program) {
    const std::string head = "INFO: apport (pid 9) " + machine.LocalTime() + ": ";
    std::ofstream(machine.context.roots.var + "/log/apport.log", std::ios::app)
        << head << "called for pid " << pid << ", signal 6, core limit 0, dump mode 1\n"
        << head << "executable: " << program << " (command line \"x --password=hunter2\")\n";
  };
  machine.Log(Kernel("sleep[4711]: segfault at 0 ip 0 sp 0 error 4 in sleep[55+1]"));
  machine.Log(Kernel("env[5]: segfault at 0 ip 0 sp 0 error 4 in env[55+1]"));
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
  Machine machine;
  machine.Sample();
  machine.Log(Kernel("Memory cgroup out of memory: Killed process 12 (sleep) total-vm:1kB"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  CHECK(machine.Crashes()[0].program() == "sleep");
  CHECK(machine.Crashes()[0].signal() == 9);
  CHECK(machine.Crashes()[0].source() == "out_of_memory");
}

TEST_CASE("what systemd-oomd ended is named like a program, or like a unit") {
  Machine machine;
  machine.Sample();
  const auto oomd = [](const std::string& unit) {
    return Fields{{"MESSAGE_ID", "d989611b15e44c9dbf31e3c81256e4ed"},
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
  Machine machine;
  machine.Sample();
  uint32_t pid = 0;
  for (int round = 0; round < 6; ++round) {
    machine.clock.Advance(5'000);
    machine.Log(Coredump(++pid, "/usr/bin/sleep"));
    machine.Log(UnitFailure("cups.service"));
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

TEST_CASE("the journal is watched for as long as it is read") {
  Machine machine;
  machine.Sample();
  machine.clock.Advance(10'000);
  machine.Sample();
  CHECK(machine.recorder.watched.at("journal") == 10'000);
  CHECK(machine.recorder.watched.at("coredumps") == 10'000);
  CHECK(machine.recorder.unmeasured.empty());
}

TEST_CASE(
    "a count that misses core dumps is unmeasured and not watched, the rest of the journal is") {
  Machine machine;
  SECTION("they go to another program") { machine.SetCorePattern("|/opt/collector %p"); }
  SECTION("they go to apport, whose log cannot be read") {
    machine.SetCorePattern("|/usr/share/apport/apport -p%p -s%s -c%c -d%d -P%P -u%u -g%g -- %E");
    fs::create_directories(machine.context.roots.var + "/log/apport.log");
  }
  SECTION("they go to a file") { machine.SetCorePattern("core"); }
  SECTION("nothing tells whose programs crash") {
    fs::remove_all(machine.context.roots.var + "/lib/dpkg");
  }
  machine.Sample();
  machine.clock.Advance(10'000);
  machine.Sample();
  CHECK(machine.recorder.watched.count("coredumps") == 0);
  CHECK(machine.recorder.watched.at("journal") == 10'000);
  CHECK(machine.recorder.unmeasured.count({event::kCrash, ""}) == 1);
}

TEST_CASE("a journal in memory tells of crashes, and cannot tell of panics") {
  Machine machine;
  // Where journald keeps nothing on disk, it writes here; what lies on disk is of earlier times.
  Write(machine.context.roots.run + "/log/journal/system.journal", "");
  machine.Sample();
  machine.clock.Advance(10'000);
  machine.Sample();
  CHECK(machine.recorder.watched.count("journal") == 0);
  CHECK(machine.recorder.watched.at("coredumps") == 10'000);
  CHECK(machine.recorder.unmeasured.size() == 1);
  CHECK(machine.recorder.unmeasured.at({event::kSystemFailure, ""}).find("not kept") !=
        std::string::npos);

  fs::remove_all(machine.context.roots.run + "/log");
  machine.Sample();
  machine.clock.Advance(10'000);
  machine.Sample();
  CHECK(machine.recorder.watched.at("journal") == 10'000);
  CHECK(machine.recorder.unmeasured.empty());
}

TEST_CASE("while entries wait to be read, nothing counts as watched") {
  Machine machine;
  machine.Sample();
  std::vector<testing::RecordedEntry> entries;
  for (int i = 0; i < 5'000; ++i) {
    machine.clock.Advance(1);
    entries.push_back({kBoot, machine.clock.WallMs() * 1000, machine.clock.BoottimeMs() * 1000,
                       Kernel("usb 1-1: new high-speed USB device")});
  }
  testing::AppendJournal(machine.context.roots.var + "/log/journal/system.journal", entries);
  for (int tick = 0; tick < 2; ++tick) {
    machine.clock.Advance(10'000);
    machine.Sample();
    CHECK(machine.recorder.watched["journal"] == 0);
  }
  machine.clock.Advance(10'000);
  machine.Sample();
  CHECK(machine.recorder.watched["journal"] == 10'000);
  CHECK(machine.recorder.watched["coredumps"] == 10'000);
}

TEST_CASE("a core dump that came proves that they come") {
  Machine machine;
  machine.SetCorePattern("|/opt/wrapper %p");
  machine.Sample();
  CHECK(machine.recorder.unmeasured.count({event::kCrash, ""}) == 1);
  machine.Log(Coredump(1, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.recorder.unmeasured.empty());
}

TEST_CASE("no journal is said, and found when it comes") {
  Machine machine;
  fs::remove_all(machine.context.roots.var + "/log");
  machine.Sample();
  for (const uint32_t kind : {event::kCrash, event::kUnitFailure, event::kSystemFailure}) {
    CHECK(machine.recorder.unmeasured.count({kind, ""}) == 1);
  }
  CHECK(machine.recorder.watched.empty());
  machine.Log({{"MESSAGE", "the journal is here"}});
  machine.Sample();
  machine.Log(Coredump(1, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
  CHECK(machine.recorder.unmeasured.empty());
}

TEST_CASE("a long backlog is told in portions, all of it, and none of it urgent when old") {
  Machine machine;
  machine.Sample();
  machine.Restart();
  constexpr uint32_t kCrashes = 150;
  std::vector<testing::RecordedEntry> entries;
  for (uint32_t i = 0; i < kCrashes; ++i) {
    machine.clock.Advance(1'000);
    entries.push_back({kBoot, machine.clock.WallMs() * 1000, machine.clock.BoottimeMs() * 1000,
                       Coredump(i + 1, i % 2 == 0 ? "/usr/bin/sleep" : "/usr/bin/env")});
  }
  testing::AppendJournal(machine.context.roots.var + "/log/journal/system.journal", entries);
  machine.clock.Advance(3'600'000);
  for (int tick = 0; tick < 5; ++tick) machine.Sample();
  uint32_t told = 0;
  for (const v1::Crash& crash : machine.Crashes()) told += 1 + crash.repeats();
  CHECK(told == kCrashes);
  for (const auto& kept : machine.recorder.events) CHECK_FALSE(kept.urgent);
}

TEST_CASE("a package installed later is noticed") {
  Machine machine;
  machine.Sample();
  machine.Log(Coredump(1, "/usr/bin/newtool"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  CHECK(machine.Crashes()[0].program() == "other");
  const std::string dpkg = machine.context.roots.var + "/lib/dpkg";
  Write(dpkg + "/info/newtool.list", "/usr/bin/newtool\n");
  Write(dpkg + "/status", "Package: newtool\nVersion: 0.1\n");
  fs::last_write_time(dpkg + "/status", fs::file_time_type::clock::now() + std::chrono::hours(1));
  machine.Log(Coredump(2, "/usr/bin/newtool"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 2);
  CHECK(machine.Crashes()[1].program() == "newtool");
  CHECK(machine.Crashes()[1].version() == "0.1");
}

}  // namespace
}  // namespace candor
