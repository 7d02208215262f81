// The whole boot sampler against a real bus and real journal files with recorded content.
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "agent/samplers/boot/boot.h"
#include "common/hash.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recorded_bus.h"
#include "tests/support/recorded_journal.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSecondUs = 1'000'000;

constexpr const char* kManager = "/org/freedesktop/systemd1";
const std::string kThisBoot = "11111111222233334444555555555555";
const std::string kLastBoot = "aaaaaaaabbbbccccddddeeeeeeeeeeee";

void Write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string UnitPath(const std::string& unit) {
  char* path = nullptr;
  sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path);
  std::string result(path);
  std::free(path);
  return result;
}

// A machine of the test's own.
struct Machine {
  Machine() {
    roots.proc = folder.File("proc");
    roots.sys = folder.File("sys");
    roots.run = folder.File("run");
    roots.var = folder.File("var");
    roots.usr = folder.File("usr");
    Write(roots.proc + "/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
  }

  void Sample() {
    SamplerContext context{io, clock, recorder, roots, [this](std::string_view name) {
                             const auto at = saved.find(std::string(name));
                             return at == saved.end() ? std::string() : at->second;
                           }};
    const auto sampler = MakeBootSampler(context);
    testing::RunSample(io, *sampler, {clock.WallMs(), clock.BoottimeMs(), true, true});
  }

  void EndLastBoot(bool clean) const {
    std::vector<testing::RecordedEntry> entries;
    entries.push_back({kLastBoot, 1'789'000'000'000'000, 500'000'000, {{"MESSAGE", "work"}}});
    if (clean) {
      entries.push_back({kLastBoot,
                         1'789'000'001'000'000,
                         501'000'000,
                         {{"MESSAGE_ID", "39f53479d3a045ac8e11786248231fbf"},
                          {"UNIT", "reboot.target"},
                          {"MESSAGE", "Reached target reboot.target"}}});
    }
    entries.push_back({kThisBoot, 1'789'990'000'000'000, 1'000, {{"MESSAGE", "new boot"}}});
    testing::AppendJournal(roots.var + "/log/journal/system.journal", entries);
  }

  const testing::RecordingRecorder::KeptEvent* Find(bool boot) const {
    for (const auto& kept : recorder.events) {
      if (boot ? kept.event.has_boot_done() : kept.event.has_system_failure()) return &kept;
    }
    return nullptr;
  }

  testing::TempFolder folder;
  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  LinuxRoots roots;
  std::map<std::string, std::string> saved;
};

// A machine whose systemd answers on a bus.
struct SystemdMachine : Machine {
  SystemdMachine() : daemon(roots.run), service(daemon, "org.freedesktop.systemd1") {
    fs::create_directories(roots.run + "/systemd/system");
    service.SetProperty(kManager, "FirmwareTimestampMonotonic", 7 * kSecondUs);
    service.SetProperty(kManager, "LoaderTimestampMonotonic", 2 * kSecondUs);
    service.SetProperty(kManager, "InitRDTimestampMonotonic", uint64_t{0});
    service.SetProperty(kManager, "UserspaceTimestampMonotonic", 3 * kSecondUs);
    service.SetProperty(kManager, "FinishTimestampMonotonic", 20 * kSecondUs);
    service.SetProperty(kManager, "Virtualization", std::string());
    AddUnit("display-manager.service", "gdm.service", 10 * kSecondUs, 12 * kSecondUs);
    AddUnit("default.target", "graphical.target", 0, 15 * kSecondUs);
    AddUnit("cups.service", "cups.service", 4 * kSecondUs, 6 * kSecondUs);
    AddUnit("alices-backup.service", "alices-backup.service", 4 * kSecondUs, 9 * kSecondUs);
    for (const char* unit : {"cups.service", "gdm.service", "graphical.target"}) {
      Write(roots.usr + "/lib/systemd/system/" + unit, "");
    }
    service.SetMethod(kManager, "ListUnitsByPatterns", [](sd_bus_message* reply) {
      sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
      for (const char* unit : {"cups.service", "alices-backup.service"}) {
        sd_bus_message_append(reply, "(ssssssouso)", unit, "", "loaded", "active", "running", "",
                              "/unit", uint32_t{0}, "", "/");
      }
      return sd_bus_message_close_container(reply);
    });
  }

  void AddUnit(const std::string& name, const std::string& id, uint64_t begin_us,
               uint64_t active_us) {
    service.SetProperty(UnitPath(name), "Id", id);
    service.SetProperty(UnitPath(name), "InactiveExitTimestampMonotonic", begin_us);
    service.SetProperty(UnitPath(name), "ActiveEnterTimestampMonotonic", active_us);
    service.SetProperty(UnitPath(name), "InactiveEnterTimestampMonotonic", uint64_t{0});
  }

  testing::BusDaemon daemon;
  testing::RecordedService service;
};

TEST_CASE("a finished boot is told once, with its stages, at the moment it was finished") {
  SystemdMachine machine;
  machine.Sample();
  const auto* kept = machine.Find(true);
  REQUIRE(kept != nullptr);
  const v1::Boot& boot = kept->event.boot_done();
  CHECK(boot.firmware_us() == 5 * kSecondUs);
  CHECK(boot.kernel_us() == 3 * kSecondUs);
  CHECK(boot.userspace_us() == 17 * kSecondUs);
  CHECK(boot.total_us() == 12 * kSecondUs);
  CHECK(boot.until() == "gdm.service");
  CHECK(kept->event.boottime_ms() == 20'000);
  CHECK(kept->event.wall_ms() == machine.clock.WallMs() - (machine.clock.BoottimeMs() - 20'000));
  CHECK(machine.recorder.cursors.at("boot") == kThisBoot);
  CHECK(machine.recorder.unmeasured.empty());

  SECTION("a unit that no package brought has no name") {
    REQUIRE(boot.slowest_size() == 2);
    CHECK(boot.slowest(0).unit() == "other.service");
    CHECK(boot.slowest(1).unit() == "cups.service");
  }
  SECTION("after a restart of the agent it is not told again") {
    machine.saved["boot"] = machine.recorder.cursors.at("boot");
    machine.recorder.events.clear();
    machine.Sample();
    CHECK(machine.recorder.events.empty());
  }
}

TEST_CASE("nor has a login screen that nobody's package brought") {
  SystemdMachine machine;
  machine.AddUnit("display-manager.service", "alices-login.service", 10 * kSecondUs,
                  12 * kSecondUs);
  machine.Sample();
  REQUIRE(machine.Find(true) != nullptr);
  CHECK(machine.Find(true)->event.boot_done().until() == "other.service");
}

TEST_CASE("the end of start-up is no unit and keeps its name") {
  SystemdMachine machine;
  machine.AddUnit("display-manager.service", "gdm.service", 900 * kSecondUs, 901 * kSecondUs);
  machine.AddUnit("default.target", "graphical.target", 0, 902 * kSecondUs);
  machine.Sample();
  REQUIRE(machine.Find(true) != nullptr);
  CHECK(machine.Find(true)->event.boot_done().until() == "startup finished");
}

TEST_CASE("a boot that goes on is not told before its end") {
  SystemdMachine machine;
  machine.service.SetProperty(kManager, "FinishTimestampMonotonic", uint64_t{0});
  SamplerContext context{machine.io, machine.clock, machine.recorder, machine.roots,
                         [](std::string_view) { return std::string(); }};
  const auto sampler = MakeBootSampler(context);
  const Tick tick{machine.clock.WallMs(), machine.clock.BoottimeMs(), true, true};
  testing::RunSample(machine.io, *sampler, tick);
  CHECK(machine.recorder.events.empty());
  CHECK(machine.recorder.cursors.empty());
  CHECK(machine.recorder.unmeasured.at({event::kBoot, ""}) == "start-up is not finished yet");

  machine.service.SetProperty(kManager, "FinishTimestampMonotonic", 20 * kSecondUs);
  testing::RunSample(machine.io, *sampler, tick);
  CHECK(machine.Find(true) != nullptr);
  CHECK(machine.recorder.unmeasured.empty());

  machine.recorder.events.clear();
  const int asked = machine.service.questions();
  testing::RunSample(machine.io, *sampler, tick);
  CHECK(machine.recorder.events.empty());
  CHECK(machine.service.questions() == asked);
}

TEST_CASE("a systemd that does not answer is said, and asked again") {
  Machine machine;
  fs::create_directories(machine.roots.run + "/systemd/system");
  machine.Sample();
  CHECK(machine.recorder.events.empty());
  CHECK(machine.recorder.unmeasured.at({event::kBoot, ""}).starts_with("systemd cannot be asked"));
}

TEST_CASE("without systemd the kernel's stage is told, and what is missing") {
  Machine machine;
  Write(machine.roots.proc + "/1/stat",
        "1 (init) S 0 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 25 1 1 1");
  machine.Sample();
  REQUIRE(machine.Find(true) != nullptr);
  const v1::Boot& boot = machine.Find(true)->event.boot_done();
  CHECK(boot.source() == "kernel");
  CHECK(boot.kernel_us() > 0);
  CHECK_FALSE(boot.has_total_us());
  CHECK_FALSE(boot.has_last_shutdown_clean());
  CHECK(machine.recorder.unmeasured.count({event::kBoot, ""}) == 1);
  CHECK(machine.recorder.cursors.at("boot") == kThisBoot);

  SECTION("after a restart of the agent it is missing still") {
    machine.saved = machine.recorder.cursors;
    machine.recorder.events.clear();
    machine.recorder.unmeasured.clear();
    machine.Sample();
    CHECK(machine.recorder.events.empty());
    CHECK(machine.recorder.unmeasured.count({event::kBoot, ""}) == 1);
  }
}

TEST_CASE("a clean shutdown is said to be clean") {
  SystemdMachine machine;
  machine.EndLastBoot(/*clean=*/true);
  machine.saved["boot"] = kLastBoot;
  machine.Sample();
  REQUIRE(machine.Find(true) != nullptr);
  CHECK(machine.Find(true)->event.boot_done().has_last_shutdown_clean());
  CHECK(machine.Find(true)->event.boot_done().last_shutdown_clean());
  CHECK(machine.Find(false) == nullptr);
}

TEST_CASE("a boot behind an offline update says that updates were installed") {
  SystemdMachine machine;
  testing::AppendJournal(machine.roots.var + "/log/journal/system.journal",
                         {{kLastBoot,
                           1'788'999'000'000'000,
                           400'000'000,
                           {{"MESSAGE_ID", "39f53479d3a045ac8e11786248231fbf"},
                            {"UNIT", "system-update.target"},
                            {"MESSAGE", "Reached target system-update.target"}}}});
  machine.EndLastBoot(/*clean=*/true);
  machine.Sample();
  REQUIRE(machine.Find(true) != nullptr);
  CHECK(machine.Find(true)->event.boot_done().installed_updates());
}

TEST_CASE("an unclean shutdown is a failure of the boot it ended") {
  SystemdMachine machine;
  machine.EndLastBoot(/*clean=*/false);
  machine.saved["boot"] = kLastBoot;
  SECTION("told once") {
    machine.Sample();
    CHECK_FALSE(machine.Find(true)->event.boot_done().last_shutdown_clean());
    const auto* failure = machine.Find(false);
    REQUIRE(failure != nullptr);
    CHECK(failure->event.system_failure().kind() == v1::SystemFailure::UNCLEAN_SHUTDOWN);
    CHECK(ToHex(failure->boot_id) == kLastBoot);
    CHECK(failure->event.wall_ms() == 1'789'000'000'000);
    CHECK(failure->event.boottime_ms() == 500'000);
  }
  SECTION("a kernel's crash record makes it a panic") {
    Write(machine.roots.var + "/lib/systemd/pstore/175000/dmesg.txt", "Oops");
    machine.Sample();
    REQUIRE(machine.Find(false) != nullptr);
    CHECK(machine.Find(false)->event.system_failure().kind() == v1::SystemFailure::PANIC);
  }
  const auto tell_record = [&](const std::string& text) {
    testing::AppendJournal(machine.roots.var + "/log/journal/system.journal",
                           {{kThisBoot,
                             1'789'990'001'000'000,
                             2'000'000,
                             {{"SYSLOG_IDENTIFIER", "systemd-pstore"},
                              {"MESSAGE", "PStore dmesg-efi-1 moved to /var/lib/systemd/pstore"},
                              {"FILE", text}}}});
  };
  SECTION("a record of a panic in the journal makes it a panic") {
    tell_record("Oops#1 Part1\n<4>[ 12.1] BUG: kernel NULL pointer dereference");
    tell_record("Panic#2 Part1\n<0>[ 12.3] Kernel panic - not syncing: Fatal exception");
    machine.Sample();
    REQUIRE(machine.Find(false) != nullptr);
    CHECK(machine.Find(false)->event.system_failure().kind() == v1::SystemFailure::PANIC);
  }
  SECTION("a record of a fault that the kernel lived on with does not") {
    Write(machine.roots.var + "/lib/systemd/pstore/175000/dmesg.txt", "Oops");
    tell_record("Oops#1 Part1\n<4>[ 12.1] BUG: kernel NULL pointer dereference");
    machine.Sample();
    REQUIRE(machine.Find(false) != nullptr);
    CHECK(machine.Find(false)->event.system_failure().kind() ==
          v1::SystemFailure::UNCLEAN_SHUTDOWN);
  }
  SECTION("an empty battery is neither clean nor a failure") {
    machine.saved["battery_low"] = kLastBoot;
    machine.Sample();
    CHECK_FALSE(machine.Find(true)->event.boot_done().has_last_shutdown_clean());
    CHECK(machine.Find(false) == nullptr);
  }
  SECTION("what ended before the agent was here is not counted against the machine") {
    machine.saved.clear();
    machine.Sample();
    CHECK_FALSE(machine.Find(true)->event.boot_done().last_shutdown_clean());
    CHECK(machine.Find(false) == nullptr);
  }
}

TEST_CASE("a machine without a boot id says why nothing is told") {
  Machine machine;
  fs::remove(machine.roots.proc + "/sys/kernel/random/boot_id");
  machine.Sample();
  CHECK(machine.recorder.events.empty());
  CHECK(machine.recorder.unmeasured.at({event::kBoot, ""}).starts_with("this boot has no name"));
}

}  // namespace
}  // namespace candor
