// The whole usage sampler against a real bus with a recorded logind, and with utmp alone.
#include <unistd.h>
#include <utmpx.h>

#include <boost/asio/io_context.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "agent/samplers/usage/usage.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recorded_bus.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr const char* kManager = "/org/freedesktop/login1";
constexpr const char* kSession = "/org/freedesktop/login1/session/_31";

struct Machine {
  Machine() {
    context.roots.run = folder.File("run");
    std::filesystem::create_directories(context.roots.run);
  }

  ActivityState Sample(bool minute_start = true) {
    if (sampler == nullptr) sampler = MakeUsageSampler(context);
    testing::RunSample(io, *sampler, {clock.WallMs(), clock.BoottimeMs(), minute_start, true});
    return recorder.activity.back();
  }

  testing::TempFolder folder;
  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  std::map<std::string, std::string> saved;
  SamplerContext context{
      io, clock, recorder, {}, [this](std::string_view name) { return saved[std::string(name)]; }};
  std::unique_ptr<Sampler> sampler;
};

// One person at a GNOME desktop.
struct DesktopMachine : Machine {
  DesktopMachine() : daemon(context.roots.run), logind(daemon, "org.freedesktop.login1") {
    logind.SetMethod(kManager, "ListSessions", [](sd_bus_message* reply) {
      return sd_bus_message_append(reply, "a(susso)", 1, "1", uint32_t{1000}, "alice", "seat0",
                                   kSession);
    });
    logind.SetProperty(kSession, "Id", std::string("1"));
    logind.SetProperty(kSession, "Class", std::string("user"));
    logind.SetProperty(kSession, "Type", std::string("wayland"));
    logind.SetProperty(kSession, "State", std::string("active"));
    logind.SetProperty(kSession, "Name", std::string("alice"));
    logind.SetProperty(kSession, "IdleHint", false);
    logind.SetProperty(kSession, "IdleSinceHint", uint64_t{1'789'000'000'000'000});
    logind.SetProperty(kSession, "LockedHint", false);
  }

  testing::BusDaemon daemon;
  testing::RecordedService logind;
};

TEST_CASE("a person at the desktop is activity by input, until the desktop is idle or locked") {
  DesktopMachine machine;
  CHECK(machine.Sample() == ActivityState::kByInput);
  machine.logind.SetProperty(kSession, "IdleHint", true);
  machine.clock.Advance(60'000);
  CHECK(machine.Sample() == ActivityState::kInactive);
  machine.logind.SetProperty(kSession, "IdleHint", false);
  machine.logind.SetProperty(kSession, "LockedHint", true);
  machine.clock.Advance(60'000);
  CHECK(machine.Sample() == ActivityState::kInactive);
}

TEST_CASE("activity is told with every tick and logind asked once a minute") {
  DesktopMachine machine;
  machine.Sample();
  const int asked = machine.logind.questions();
  for (int i = 0; i < 4; ++i) {
    machine.clock.Advance(10'000);
    CHECK(machine.Sample(/*minute_start=*/false) == ActivityState::kByInput);
  }
  CHECK(machine.logind.questions() == asked);
  CHECK(machine.recorder.activity.size() == 5);
  machine.clock.Advance(20'000);
  machine.Sample(/*minute_start=*/false);
  CHECK(machine.logind.questions() > asked);
}

TEST_CASE("that desktops here tell of idleness is remembered across restarts") {
  DesktopMachine machine;
  machine.logind.SetProperty(kSession, "IdleSinceHint", uint64_t{0});
  CHECK(machine.Sample() == ActivityState::kByLogin);
  CHECK(machine.recorder.cursors.empty());
  machine.logind.SetProperty(kSession, "IdleHint", true);
  machine.clock.Advance(60'000);
  machine.Sample();
  REQUIRE(machine.recorder.cursors.at("idle_told") == "1");

  machine.saved = machine.recorder.cursors;
  machine.sampler.reset();
  machine.logind.SetProperty(kSession, "IdleHint", false);
  CHECK(machine.Sample() == ActivityState::kByInput);
}

TEST_CASE("nothing about the person is told") {
  DesktopMachine machine;
  machine.Sample();
  CHECK(machine.recorder.events.empty());
  CHECK(machine.recorder.gauges.empty());
  CHECK(machine.recorder.counted.empty());
}

TEST_CASE("a bus that went away is found again") {
  DesktopMachine machine;
  CHECK(machine.Sample() == ActivityState::kByInput);
  machine.daemon.Stop();
  machine.clock.Advance(60'000);
  CHECK(machine.Sample() == ActivityState::kByUptime);
  testing::BusDaemon again(machine.context.roots.run);
  testing::RecordedService logind(again, "org.freedesktop.login1");
  logind.SetMethod(kManager, "ListSessions", [](sd_bus_message* reply) {
    return sd_bus_message_append(reply, "a(susso)", 0);
  });
  machine.clock.Advance(60'000);
  // A desktop was seen in this boot, and nobody is signed in.
  CHECK(machine.Sample() == ActivityState::kInactive);
}

void WriteUtmp(const std::string& path, short type, int32_t pid) {
  utmpx record;
  std::memset(&record, 0, sizeof record);
  record.ut_type = type;
  record.ut_pid = pid;
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(&record), sizeof record);
}

TEST_CASE("without logind a login in utmp counts, as long as its process lives") {
  Machine machine;
  CHECK(machine.Sample() == ActivityState::kByUptime);
  WriteUtmp(machine.context.roots.run + "/utmp", USER_PROCESS, getpid());
  machine.clock.Advance(60'000);
  CHECK(machine.Sample() == ActivityState::kByLogin);
  WriteUtmp(machine.context.roots.run + "/utmp", USER_PROCESS, 0x7ffffff0);  // beyond any pid
  machine.clock.Advance(60'000);
  CHECK(machine.Sample() == ActivityState::kByUptime);
  WriteUtmp(machine.context.roots.run + "/utmp", LOGIN_PROCESS, getpid());
  machine.clock.Advance(60'000);
  CHECK(machine.Sample() == ActivityState::kByUptime);
}

}  // namespace
}  // namespace candor
