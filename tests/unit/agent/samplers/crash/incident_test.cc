#include "agent/samplers/crash/incident.h"

#include <algorithm>
#include <memory>

#include "tests/support/catch.h"

namespace candor {
namespace {

using Kind = Finding::Kind;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kStartUs = 1'790'000'000 * kSecondUs;

// A finding `at_s` seconds into the test, in one boot.
Finding At(int64_t at_s, Kind kind) {
  Finding finding;
  finding.kind = kind;
  finding.cursor = "c" + std::to_string(at_s) + "." + std::to_string(static_cast<int>(kind));
  finding.boot_id = "boot";
  finding.realtime_us = kStartUs + at_s * kSecondUs;
  finding.monotonic_us = at_s * kSecondUs;
  return finding;
}
Finding Coredump(int64_t at_s, uint32_t pid, const std::string& unit = "session.scope") {
  Finding finding = At(at_s, Kind::kCoredump);
  finding.pid = pid;
  finding.executable = "/usr/bin/editor";
  finding.signal = 11;
  finding.signature = "sig";
  finding.unit = unit;
  return finding;
}
Finding Fault(int64_t at_s, uint32_t pid) {
  Finding finding = At(at_s, Kind::kFault);
  finding.pid = pid;
  finding.task = "editor";
  finding.signal = 11;
  return finding;
}
Finding UnitFailure(int64_t at_s, const std::string& unit, const std::string& result) {
  Finding finding = At(at_s, Kind::kUnitFailure);
  finding.unit = unit;
  finding.result = result;
  return finding;
}
Finding JobFailure(int64_t at_s, const std::string& unit) {
  Finding finding = At(at_s, Kind::kJobFailure);
  finding.unit = unit;
  finding.result = "failed";
  return finding;
}

// What is told when the clock stands `now_s` seconds into the test.
std::vector<Kind> Settle(IncidentMerger& merger, int64_t now_s, bool coredumps = true) {
  std::vector<Kind> kinds;
  for (const Incident& i : merger.Settle(kStartUs + now_s * kSecondUs, coredumps)) {
    kinds.push_back(i.finding.kind);
  }
  return kinds;
}

TEST_CASE("a fault line and its core dump are the core dump") {
  IncidentMerger merger;
  merger.Add(Fault(1, 77));
  SECTION("that follows") { merger.Add(Coredump(3, 77)); }
  SECTION("of another thread of the same process") {
    Finding dump = Coredump(3, 70);
    dump.threads = {77, 70};
    merger.Add(dump);
  }
  CHECK(Settle(merger, 4) == std::vector{Kind::kCoredump});
  CHECK(merger.Empty());
}

TEST_CASE("a fault waits for its core dump, and what is behind it waits too") {
  IncidentMerger merger;
  merger.Add(Coredump(1, 5));
  merger.Add(Fault(2, 77));
  merger.Add(UnitFailure(3, "cups.service", "exit-code"));
  CHECK(Settle(merger, 4) == std::vector{Kind::kCoredump});
  CHECK(merger.cursor(Finding::Source::kJournal) == Coredump(1, 5).cursor);
  CHECK_FALSE(merger.Empty());

  SECTION("until it comes") {
    merger.Add(Coredump(9, 77));
    CHECK(Settle(merger, 10) == std::vector{Kind::kUnitFailure, Kind::kCoredump});
  }
  SECTION("or half a minute long") {
    CHECK(Settle(merger, 31).empty());
    CHECK(Settle(merger, 33) == std::vector{Kind::kFault, Kind::kUnitFailure});
    // A dump this late is the fault that was told.
    merger.Add(Coredump(40, 77));
    CHECK(Settle(merger, 41).empty());
  }
  CHECK(merger.Empty());
}

TEST_CASE("a fault that became part of its core dump does not swallow the dump") {
  IncidentMerger merger;
  merger.Add(Fault(1, 77));
  merger.Add(UnitFailure(2, "daemon.service", "core-dump"));  // its own dump is still written
  merger.Add(Coredump(3, 77));
  CHECK(Settle(merger, 4).empty());
  merger.Add(Coredump(8, 90, "daemon.service"));
  CHECK(Settle(merger, 9) == std::vector{Kind::kCoredump, Kind::kCoredump});
}

TEST_CASE("where nobody takes core dumps a fault waits for none") {
  IncidentMerger merger;
  merger.Add(Fault(1, 77));
  CHECK(Settle(merger, 1, /*coredumps=*/false) == std::vector{Kind::kFault});
}

TEST_CASE("a process's abort is not also its unit's failure, in whichever order they come") {
  IncidentMerger merger;
  SECTION("the dump first") {
    merger.Add(Coredump(1, 7, "cups.service"));
    merger.Add(UnitFailure(2, "cups.service", "core-dump"));
  }
  SECTION("the unit first") {
    merger.Add(UnitFailure(1, "cups.service", "core-dump"));
    CHECK(Settle(merger, 2).empty());
    merger.Add(Coredump(3, 7, "cups.service"));
  }
  SECTION("the unit in a later round") {
    merger.Add(Coredump(1, 7, "cups.service"));
    CHECK(Settle(merger, 2) == std::vector{Kind::kCoredump});
    merger.Add(UnitFailure(4, "cups.service", "core-dump"));
    CHECK(Settle(merger, 5).empty());
    CHECK(merger.Empty());
    return;
  }
  CHECK(Settle(merger, 5) == std::vector{Kind::kCoredump});
}

TEST_CASE("a unit killed without a core dump belongs to the fault of that moment") {
  IncidentMerger merger;
  merger.Add(Fault(1, 7));
  merger.Add(UnitFailure(2, "cups.service", "signal"));
  CHECK(Settle(merger, 60) == std::vector{Kind::kFault});
}

TEST_CASE("another unit's failure is told beside the crash") {
  IncidentMerger merger;
  merger.Add(Coredump(1, 7, "cups.service"));
  merger.Add(UnitFailure(2, "ssh.service", "core-dump"));
  merger.Add(UnitFailure(2, "cups.service", "exit-code"));
  CHECK(Settle(merger, 60) == std::vector{Kind::kCoredump, Kind::kUnitFailure, Kind::kUnitFailure});
}

TEST_CASE("an out-of-memory kill is not also its unit's failure") {
  IncidentMerger merger;
  merger.Add(At(1, Kind::kOutOfMemory));
  merger.Add(UnitFailure(2, "cups.service", "oom-kill"));
  CHECK(Settle(merger, 3) == std::vector{Kind::kOutOfMemory});
  // A kill inside the unit's own limit leaves no line of the system.
  merger.Add(UnitFailure(500, "cups.service", "oom-kill"));
  CHECK(Settle(merger, 501) == std::vector{Kind::kUnitFailure});
}

TEST_CASE(
    "a kill inside a group is a crash of its own, once a program, and not its unit's failure") {
  IncidentMerger merger;
  Finding kill = At(1, Kind::kGroupOutOfMemory);
  kill.task = "editor";
  merger.Add(kill);
  kill.pid = 2;
  merger.Add(kill);
  kill.task = "browser";
  merger.Add(kill);
  merger.Add(UnitFailure(2, "cups.service", "oom-kill"));
  CHECK(Settle(merger, 3) == std::vector{Kind::kGroupOutOfMemory, Kind::kGroupOutOfMemory});
  kill.realtime_us += 20 * kSecondUs;
  kill.monotonic_us += 20 * kSecondUs;
  merger.Add(kill);
  CHECK(Settle(merger, 22) == std::vector{Kind::kGroupOutOfMemory});
}

// `run` tells one run of the unit from the others.
Finding FailedRun(int64_t at_s, const std::string& result, int run) {
  Finding finding = UnitFailure(at_s, "cups.service", result);
  finding.invocation = std::string(31, '0') + std::to_string(run);
  return finding;
}

// How many failures of units are told, when all has settled.
uint32_t UnitFailures(IncidentMerger& merger) {
  uint32_t failures = 0;
  for (const Incident& incident : merger.Settle(kStartUs + 600 * kSecondUs, true)) {
    CHECK(incident.finding.kind == Kind::kUnitFailure);
    failures += 1 + incident.repeats;
  }
  return failures;
}

TEST_CASE("a service that is given up failed as often as it was started, not once more") {
  const std::string result = GENERATE("exit-code", "timeout");
  const int settled_at_s = GENERATE(range(0, 7));
  const bool restarted = GENERATE(false, true);
  CAPTURE(settled_at_s, restarted);
  auto merger = std::make_unique<IncidentMerger>();
  uint32_t failures = 0;
  for (int at_s = 0; at_s < 6; ++at_s) {
    merger->Add(FailedRun(at_s, result, std::min(at_s, 4)));
    if (at_s != settled_at_s) continue;
    failures += UnitFailures(*merger);
    if (restarted) merger = std::make_unique<IncidentMerger>(merger->Saved());
  }
  Finding job = JobFailure(5, "cups.service");
  job.invocation = FailedRun(5, result, 4).invocation;
  merger->Add(std::move(job));
  failures += UnitFailures(*merger);
  CHECK(merger->Empty());
  CHECK(failures == 5);
  // Somebody starts it by hand, and it fails again.
  merger->Add(FailedRun(91, result, 5));
  CHECK(UnitFailures(*merger) == 1);
}

TEST_CASE("where nobody tells which run of a unit failed, every failure counts") {
  IncidentMerger merger;
  for (int64_t at_s = 0; at_s < 5; ++at_s) {
    merger.Add(UnitFailure(at_s, "cups.service", "resources"));
  }
  CHECK(UnitFailures(merger) == 5);
}

TEST_CASE("what was settled is remembered up to a limit, and what was not saved by us is ignored") {
  const std::string run(32, 'a');
  const std::string settled = "0:1:0:aa:5:7:-:-:8,9";
  for (const char* wrong :
       {"9:1:0:aa:5:7:-:-:-", "-1:1:0:aa:5:7:-:-:-", "0:1:2:aa:5:7:-:-:-", "0:1:0:zz:5:7:-:-:-",
        "0:1:0:aa:-5:7:-:-:-", "0:1:0:aa:5:x:-:-:-", "0:1:0:aa:5:7:-:-", ":::::::::"}) {
    CAPTURE(wrong);
    CHECK(IncidentMerger(wrong).Saved().empty());
  }
  IncidentMerger merger("nonsense 0123 " + run + " " + std::string(32, 'Z') + " " + settled);
  CHECK(merger.Saved() == run + " " + settled);
  for (int i = 0; i < 60; ++i) {
    Finding finding = UnitFailure(i, std::string(250, 'u'), "exit-code");
    finding.boot_id = std::string(16, 'b');
    finding.monotonic_us += int64_t{1} << 60;
    finding.pid = 4'000'000'000;
    finding.task = std::string(250, 't');
    finding.threads.assign(200, 4'000'000'000);
    finding.invocation = std::string(30, 'b') + std::to_string(10 + i);
    merger.Add(std::move(finding));
    CHECK(UnitFailures(merger) == 1);
  }
  const std::string saved = merger.Saved();
  CHECK(saved.size() <= 4'096);
  CHECK(saved.find("b69") != std::string::npos);
  CHECK(saved.find("b53 ") == std::string::npos);
  CHECK(std::count(saved.begin(), saved.end(), ' ') ==
        IncidentMerger::kInvocationsMax + IncidentMerger::kSavedMax - 1);
  CHECK(saved.find("uu") == std::string::npos);
  CHECK(saved.find("tt") == std::string::npos);
}

TEST_CASE("what belongs to a failure that was told is told by no restart between the two") {
  struct Pair {
    Finding told;
    Finding sibling;
  };
  Finding ended = At(0, Kind::kOutOfMemory);
  ended.unit = "app-editor-1.scope";
  Finding by_thread = Coredump(1, 7);
  by_thread.threads = {70, 71};
  const std::vector<Pair> pairs = {
      {Coredump(0, 7, "cups.service"), UnitFailure(1, "cups.service", "core-dump")},
      {ended, UnitFailure(1, "app-editor-1.scope", "oom-kill")},
      {UnitFailure(0, "cups.service", "exit-code"), JobFailure(1, "cups.service")},
      {At(0, Kind::kGpuReset), At(10, Kind::kGpuReset)},
      {At(0, Kind::kHungTask), At(120, Kind::kHungTask)},
      {by_thread, Fault(2, 71)},
      {Fault(0, 7), Coredump(200, 7)}};
  for (const Pair& pair : pairs) {
    CAPTURE(static_cast<int>(pair.told.kind), static_cast<int>(pair.sibling.kind));
    IncidentMerger before;
    before.Add(pair.told);
    REQUIRE(Settle(before, 100).size() == 1);
    IncidentMerger after(before.Saved());
    after.Add(pair.sibling);
    CHECK(Settle(after, 1'000).empty());
    // It is what is remembered that does it.
    IncidentMerger without;
    without.Add(pair.sibling);
    CHECK(Settle(without, 1'000).size() == 1);
  }
}

TEST_CASE("a unit's core dump belongs to apport's report of that moment, other failures do not") {
  const auto [result, at_s, told] = GENERATE(table<std::string, int64_t, size_t>(
      {{"core-dump", 5, 1}, {"core-dump", 15, 2}, {"signal", 5, 2}, {"exit-code", 5, 2}}));
  CAPTURE(result, at_s);
  IncidentMerger merger;
  Finding report = Coredump(1, 77, "");
  report.source = Finding::Source::kApport;
  merger.Add(report);
  merger.Add(UnitFailure(at_s, "cups.service", result));
  CHECK(Settle(merger, 100).size() == told);
}

TEST_CASE("a failure of the system that goes on is one failure") {
  IncidentMerger merger;
  const auto [kind, goes_on_s, over_s] = GENERATE(table<Kind, int64_t, int64_t>(
      {{Kind::kOutOfMemory, 8, 30}, {Kind::kGpuReset, 20, 60}, {Kind::kHungTask, 120, 2000}}));
  merger.Add(At(1, kind));
  merger.Add(At(1 + goes_on_s, kind));
  CHECK(Settle(merger, 1 + goes_on_s) == std::vector{kind});
  merger.Add(At(1 + 2 * goes_on_s, kind));
  CHECK(Settle(merger, 1 + 2 * goes_on_s).empty());
  merger.Add(At(1 + 2 * goes_on_s + over_s, kind));
  CHECK(Settle(merger, 1 + 2 * goes_on_s + over_s) == std::vector{kind});
}

TEST_CASE("a failed unit and the job that started it are one failure") {
  IncidentMerger merger;
  merger.Add(UnitFailure(1, "cups.service", "exit-code"));
  merger.Add(JobFailure(1, "cups.service"));
  merger.Add(JobFailure(2, "ssh.service"));
  CHECK(Settle(merger, 3) == std::vector{Kind::kUnitFailure, Kind::kJobFailure});
}

TEST_CASE("the same pid in another boot is another process") {
  IncidentMerger merger;
  merger.Add(Fault(1, 77));
  Finding dump = Coredump(2, 77);
  dump.boot_id = "other boot";
  merger.Add(dump);
  CHECK(Settle(merger, 60) == std::vector{Kind::kFault, Kind::kCoredump});
}

TEST_CASE("repeats of one crash in a round are counted, other crashes are told") {
  IncidentMerger merger;
  for (uint32_t pid = 1; pid <= 4; ++pid) merger.Add(Coredump(pid, pid));
  Finding other = Coredump(6, 9);
  other.signature = "another stack";
  merger.Add(other);
  const auto incidents = merger.Settle(kStartUs + 60 * kSecondUs, true);
  REQUIRE(incidents.size() == 2);
  CHECK(incidents[0].repeats == 3);
  CHECK(incidents[1].repeats == 0);
}

TEST_CASE("a wall clock set back makes nothing wait for ever") {
  IncidentMerger merger;
  merger.Add(Fault(1, 77));
  CHECK(Settle(merger, -3600) == std::vector{Kind::kFault});
}

TEST_CASE("memory stays bounded in a storm of crashes") {
  IncidentMerger merger;
  size_t told = 0;
  for (uint32_t i = 0; i < 10'000; ++i) {
    if (merger.Full()) {
      for (const Incident& incident : merger.Settle(kStartUs + 20'000 * kSecondUs, true)) {
        told += 1 + incident.repeats;
      }
    }
    REQUIRE_FALSE(merger.Full());
    merger.Add(Coredump(i, i));
  }
  for (const Incident& incident : merger.Settle(kStartUs + 20'000 * kSecondUs, true)) {
    told += 1 + incident.repeats;
  }
  CHECK(told == 10'000);
}

JournalEntry Entry(std::vector<std::pair<std::string, std::string>> fields) {
  JournalEntry entry;
  entry.fields = std::move(fields);
  return entry;
}

TEST_CASE("entries become findings by their message id or their line") {
  CHECK(FindingFrom(Entry({{"MESSAGE_ID", std::string(message_id::kCoredump)},
                           {"COREDUMP_PID", "12"},
                           {"COREDUMP_SIGNAL", "6"},
                           {"COREDUMP_EXE", "/usr/bin/x"}}))
            ->pid == 12);
  CHECK(FindingFrom(Entry({{"MESSAGE_ID", std::string(message_id::kUnitFailed)},
                           {"USER_UNIT", "app.service"},
                           {"UNIT", "user@1000.service"},
                           {"UNIT_RESULT", "timeout"}}))
            ->unit == "app.service");
  CHECK(FindingFrom(Entry({{"_TRANSPORT", "kernel"},
                           {"MESSAGE", "foo[9]: segfault at 0 ip 0 sp 0 error 4"}}))
            ->kind == Kind::kFault);
  // The same words from anybody else are nothing.
  CHECK_FALSE(FindingFrom(
      Entry({{"_TRANSPORT", "stdout"}, {"MESSAGE", "foo[9]: segfault at 0 ip 0 sp 0 error 4"}})));
}

TEST_CASE("what systemd-oomd ended is an out-of-memory kill of the application in that group") {
  const auto finding =
      FindingFrom(Entry({{"MESSAGE_ID", std::string(message_id::kOomdKill)},
                         {"USER_UNIT", "app-gnome-firefox-4021.scope"},
                         {"UNIT", "user@1000.service"},
                         {"MESSAGE", "systemd-oomd killed 19 process(es) in this unit."}}));
  REQUIRE(finding);
  CHECK(finding->kind == Kind::kOutOfMemory);
  CHECK(finding->task == "firefox");
  CHECK(finding->unit == "app-gnome-firefox-4021.scope");
}

TEST_CASE("a result that is no word of systemd's is not told") {
  const auto result = GENERATE(values<std::string>(
      {"Alice's secret", "exit code", "", "x\ny", "a-word-that-systemd-would-never-write"}));
  const auto finding = FindingFrom(Entry({{"MESSAGE_ID", std::string(message_id::kUnitFailed)},
                                          {"UNIT", "cups.service"},
                                          {"UNIT_RESULT", result}}));
  REQUIRE(finding);
  CHECK(finding->result == "unknown");
}

TEST_CASE("a dump that was asked for, and a job that only depended, are no failures") {
  CHECK_FALSE(FindingFrom(Entry({{"MESSAGE_ID", std::string(message_id::kCoredump)},
                                 {"COREDUMP_PID", "12"},
                                 {"COREDUMP_SIGNAL", "3"}})));
  CHECK_FALSE(FindingFrom(Entry({{"MESSAGE_ID", std::string(message_id::kJobFailed)},
                                 {"UNIT", "a.service"},
                                 {"JOB_RESULT", "dependency"}})));
}

TEST_CASE("an entry with broken numbers still tells its crash") {
  const auto finding = FindingFrom(Entry({{"MESSAGE_ID", std::string(message_id::kCoredump)},
                                          {"COREDUMP_PID", "x"},
                                          {"COREDUMP_SIGNAL", ""}}));
  REQUIRE(finding);
  CHECK(finding->pid == 0);
  CHECK(finding->signal == 0);
}

}  // namespace
}  // namespace candor
