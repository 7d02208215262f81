#include "agent/samplers/network/resume.h"

#include <chrono>
#include <memory>

#include "agent/samplers/network/sleep_signals.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recorded_bus.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

// A laptop whose network comes and goes as the test says, on a bus of its own.
struct SleepyLaptop {
  SleepyLaptop() {
    roots.run = run.path();
    sampler = MakeResumeSampler({io, clock, recorder, roots, {}}, [this] { return connected; });
  }
  void Tick(bool minute_start = true) {
    candor::Tick tick;
    tick.minute_start = minute_start;
    bool done = false;
    boost::asio::co_spawn(io, sampler->Sample(tick), [&](std::exception_ptr) { done = true; });
    // What listens to the bus never ends.
    io.restart();
    while (!done) io.run_one();
  }
  // Lets what is under way on the bus arrive, and time pass in steps of the sampler's own.
  void Run(int ms) {
    for (int passed = 0; passed < ms; passed += 100) {
      io.restart();
      io.run_for(std::chrono::milliseconds(120));
      clock.Advance(100);
    }
  }

  testing::TempFolder run;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  boost::asio::io_context io;
  LinuxRoots roots;
  bool connected = true;
  std::unique_ptr<Sampler> sampler;
};

TEST_CASE("a wake is measured until the network is there") {
  ResumeMeter meter;
  CHECK_FALSE(meter.Look(1'000, true));
  meter.Awake(1'000);
  CHECK(meter.waiting());
  CHECK_FALSE(meter.Look(1'100, false));
  CHECK(meter.Look(3'400, true) == 2'400);
  CHECK_FALSE(meter.waiting());
  CHECK_FALSE(meter.Look(3'500, true));
}

TEST_CASE("a wake without any network, or cut short by another sleep, is not told") {
  ResumeMeter meter;
  meter.Awake(0);
  CHECK_FALSE(meter.Look(ResumeMeter::kWaitMsMax, false));
  CHECK_FALSE(meter.waiting());
  meter.Awake(100'000);
  meter.Asleep();
  CHECK_FALSE(meter.Look(101'000, true));
}

TEST_CASE("logind's word of waking begins a measurement that ends with the network") {
  SleepyLaptop laptop;
  testing::BusDaemon daemon(laptop.run.path());
  testing::SleepAnnouncer logind(daemon);
  laptop.Tick();
  CHECK(laptop.recorder.unmeasured.empty());
  laptop.Run(300);
  logind.PrepareForSleep(true);
  laptop.connected = false;
  laptop.Run(200);
  logind.PrepareForSleep(false);
  laptop.Run(1'500);
  CHECK(laptop.recorder.events.empty());
  laptop.connected = true;
  laptop.Run(300);
  REQUIRE(laptop.recorder.events.size() == 1);
  const auto& event = laptop.recorder.events[0].event;
  CHECK(event.resume().duration_ms() >= 1'200);
  CHECK(event.resume().duration_ms() <= 1'800);
  CHECK(event.wall_ms() < laptop.clock.WallMs());
}

TEST_CASE("whoever else says so on the bus is not believed") {
  SleepyLaptop laptop;
  testing::BusDaemon daemon(laptop.run.path());
  testing::SleepAnnouncer logind(daemon);
  testing::SleepAnnouncer liar(daemon, "org.example.Liar");
  laptop.Tick();
  laptop.Run(300);
  liar.PrepareForSleep(false);
  laptop.Run(500);
  CHECK(laptop.recorder.events.empty());
}

TEST_CASE("without a bus waking is unmeasured, and measured once there is one") {
  SleepyLaptop laptop;
  laptop.Tick();
  CHECK(laptop.recorder.unmeasured.contains({event::kResume, ""}));
  testing::BusDaemon daemon(laptop.run.path());
  laptop.Tick(/*minute_start=*/false);
  CHECK(laptop.recorder.unmeasured.contains({event::kResume, ""}));
  laptop.Tick();
  CHECK_FALSE(laptop.recorder.unmeasured.contains({event::kResume, ""}));
  // A bus that goes is found with the next minute.
  laptop.Run(200);
  daemon.Stop();
  laptop.Run(200);
  laptop.Tick();
  CHECK(laptop.recorder.unmeasured.contains({event::kResume, ""}));
}

}  // namespace
}  // namespace candor
