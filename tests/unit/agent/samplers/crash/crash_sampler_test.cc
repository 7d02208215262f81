// The whole crash sampler against real journal files and a package database with recorded content:
// what is told once, under which name, what is watched.
#include <filesystem>
#include <fstream>

#include "common/hash.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/unit/agent/samplers/crash/crash_machine.h"

namespace candor {
namespace {

namespace fs = std::filesystem;
using testing::CrashMachine;
using testing::DumpedCore;
using testing::FailedUnit;
using testing::kCrashBoot;
using testing::KernelSays;

TEST_CASE("a core dump of an installed program is told once, named, urgent, without secrets") {
  CrashMachine machine;
  machine.Sample();
  machine.Log(DumpedCore(4711, "/usr/bin/sleep"));
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
  CHECK(ToHex(kept.boot_id) == kCrashBoot);
  CHECK(kept.event.wall_ms() == machine.clock.WallMs());
  CHECK(kept.event.SerializeAsString().find("hunter2") == std::string::npos);
  CHECK(kept.event.SerializeAsString().find("secretname") == std::string::npos);

  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
}

TEST_CASE("a program that nobody installed is other, whatever it is called") {
  CrashMachine machine;
  machine.Sample();
  machine.Log(DumpedCore(4711, "/home/alice/thesis/secretname"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  CHECK(machine.Crashes()[0].program() == "other");
  CHECK(machine.Crashes()[0].version().empty());
  CHECK_FALSE(machine.Crashes()[0].owned());
  CHECK(machine.recorder.events[0].event.SerializeAsString().find("thesis") == std::string::npos);
}

TEST_CASE("a program in a container is none of the system's, though its path looks like one") {
  CrashMachine machine;
  machine.Sample();
  testing::Fields fields = DumpedCore(4711, "/usr/bin/sleep");
  fields.emplace_back("COREDUMP_CONTAINER_CMDLINE", "/usr/bin/conmon --api-version 1");
  machine.Log(fields);
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  CHECK(machine.Crashes()[0].program() == "other");
  CHECK_FALSE(machine.Crashes()[0].owned());
}

TEST_CASE("what happened before the very first start was not watched and is not told") {
  CrashMachine machine;
  machine.Log(DumpedCore(1, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.Crashes().empty());
  CHECK_FALSE(machine.recorder.cursors.at("journal").empty());
  machine.Log(DumpedCore(2, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
}

TEST_CASE("across a restart nothing is missed and nothing told twice") {
  CrashMachine machine;
  SECTION("with a crash behind it") {
    machine.Sample();
    machine.Log(DumpedCore(1, "/usr/bin/sleep"));
    machine.Sample();
  }
  SECTION("with an empty journal behind it") { machine.Sample(); }
  const size_t before = machine.Crashes().size();
  machine.Restart();
  machine.Log(DumpedCore(2, "/usr/bin/env"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == before + 1);
  CHECK(machine.Crashes().back().program() == "env");
  machine.Restart();
  machine.Sample();
  CHECK(machine.Crashes().size() == before + 1);
}

TEST_CASE("a finding that still waits is read again after a restart") {
  CrashMachine machine;
  machine.Sample();
  machine.Log(DumpedCore(1, "/usr/bin/sleep"));
  machine.Log(KernelSays("env[77]: segfault at 0 ip 0 sp 0 error 4 in env[55+1]"));
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
  CrashMachine machine;
  machine.Sample();
  // So many packages that every name is looked up in several turns.
  for (int i = 0; i < 200; ++i) {
    testing::WriteFile(machine.context.roots.var + "/lib/dpkg/info/a" + std::to_string(i) + ".list",
                       "/x\n");
  }
  const std::string before = machine.recorder.cursors.at("journal");
  machine.Log(FailedUnit("cups.service"));
  machine.Log(DumpedCore(1, "/usr/bin/sleep"));
  machine.Log(DumpedCore(2, "/usr/bin/env"));
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
  CrashMachine machine;
  machine.Sample();
  machine.Log(DumpedCore(1, "/usr/bin/sleep"));
  const std::string journal = machine.context.roots.var + "/log/journal/";
  fs::rename(journal + "system.journal", journal + "system@rotated.journal");
  machine.Log(DumpedCore(2, "/usr/bin/env"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 2);
  machine.Log(DumpedCore(3, "/usr/bin/sleep"));
  machine.SampleLater();
  CHECK(machine.Crashes().size() == 3);
}

TEST_CASE("a person's own journal is read too") {
  CrashMachine machine;
  machine.Sample();
  machine.LogTo("user-1000.journal", DumpedCore(1, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
  machine.LogTo("user-1000.journal", DumpedCore(2, "/usr/bin/env"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 2);
}

TEST_CASE("units are named only where a package brought them") {
  CrashMachine machine;
  machine.Sample();
  machine.Log(FailedUnit("cups.service"));
  machine.Log(FailedUnit("alices-backup.service"));
  machine.Sample();
  CHECK(machine.recorder.events.empty());
  machine.SampleLater();
  REQUIRE(machine.recorder.events.size() == 2);
  CHECK(machine.recorder.events[0].event.unit_failure().unit() == "cups.service");
  CHECK(machine.recorder.events[0].event.unit_failure().result() == "exit-code");
  CHECK(machine.recorder.events[1].event.unit_failure().unit() == "other.service");
  CHECK_FALSE(machine.recorder.events[0].urgent);
}

TEST_CASE("the journal is watched for as long as it is read") {
  CrashMachine machine;
  machine.Sample();
  machine.clock.Advance(10'000);
  machine.Sample();
  CHECK(machine.recorder.watched.at("journal") == 10'000);
  CHECK(machine.recorder.watched.at("coredumps") == 10'000);
  CHECK(machine.recorder.unmeasured.empty());
}

TEST_CASE(
    "a count that misses core dumps is unmeasured and not watched, the rest of the journal is") {
  CrashMachine machine;
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
  CrashMachine machine;
  // Where journald keeps nothing on disk, it writes here; what lies on disk is of earlier times.
  testing::WriteFile(machine.context.roots.run + "/log/journal/system.journal", "");
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
  CrashMachine machine;
  machine.Sample();
  std::vector<testing::RecordedEntry> entries;
  for (int i = 0; i < 5'000; ++i) {
    machine.clock.Advance(1);
    entries.push_back({kCrashBoot, machine.clock.WallMs() * 1000, machine.clock.BoottimeMs() * 1000,
                       KernelSays("usb 1-1: new high-speed USB device")});
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
  CrashMachine machine;
  machine.SetCorePattern("|/opt/wrapper %p");
  machine.Sample();
  CHECK(machine.recorder.unmeasured.count({event::kCrash, ""}) == 1);
  machine.Log(DumpedCore(1, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.recorder.unmeasured.empty());
}

TEST_CASE("no journal is said, and found when it comes") {
  CrashMachine machine;
  fs::remove_all(machine.context.roots.var + "/log");
  machine.Sample();
  for (const uint32_t kind : {event::kCrash, event::kUnitFailure, event::kSystemFailure}) {
    CHECK(machine.recorder.unmeasured.count({kind, ""}) == 1);
  }
  CHECK(machine.recorder.watched.empty());
  machine.Log({{"MESSAGE", "the journal is here"}});
  machine.Sample();
  machine.Log(DumpedCore(1, "/usr/bin/sleep"));
  machine.Sample();
  CHECK(machine.Crashes().size() == 1);
  CHECK(machine.recorder.unmeasured.empty());
}

TEST_CASE("a package installed later is noticed") {
  CrashMachine machine;
  machine.Sample();
  machine.Log(DumpedCore(1, "/usr/bin/newtool"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 1);
  CHECK(machine.Crashes()[0].program() == "other");
  const std::string dpkg = machine.context.roots.var + "/lib/dpkg";
  testing::WriteFile(dpkg + "/info/newtool.list", "/usr/bin/newtool\n");
  testing::WriteFile(dpkg + "/status", "Package: newtool\nVersion: 0.1\n");
  fs::last_write_time(dpkg + "/status", fs::file_time_type::clock::now() + std::chrono::hours(1));
  machine.Log(DumpedCore(2, "/usr/bin/newtool"));
  machine.Sample();
  REQUIRE(machine.Crashes().size() == 2);
  CHECK(machine.Crashes()[1].program() == "newtool");
  CHECK(machine.Crashes()[1].version() == "0.1");
}

}  // namespace
}  // namespace candor
