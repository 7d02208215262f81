// The system disk's room, on a real file system that never answers: nobody waits for it.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "agent/samplers/health/health.h"
#include "agent/samplers/health/linux_system_disk.h"
#include "common/files.h"
#include "common/registry.h"
#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/support/dead_mount.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Asked {
  absl::StatusOr<DiskSpace> answer = absl::InternalError("did not end");
  milliseconds took{};
  int ticks = 0;  // of a timer on the same thread, every 10 ms
};

Asked Ask(boost::asio::io_context& io, PatientDiskSpace& space, const std::string& path) {
  Asked asked;
  bool done = false;
  boost::asio::co_spawn(
      io,
      [&]() -> boost::asio::awaitable<void> {
        boost::asio::steady_timer timer(io);
        while (!done) {
          timer.expires_after(milliseconds(10));
          co_await timer.async_wait(boost::asio::use_awaitable);
          ++asked.ticks;
        }
      },
      boost::asio::detached);
  const auto begin = SteadyClock::now();
  boost::asio::co_spawn(
      io,
      [&]() -> boost::asio::awaitable<void> {
        asked.answer = co_await space.Read(path);
        asked.took = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin);
        done = true;
      },
      boost::asio::detached);
  io.restart();
  io.run();
  return asked;
}

size_t Threads() {
  size_t count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    count += task.path().empty() ? 0 : 1;
  }
  return count;
}

// A thread that was answered is gone a moment later.
bool EndsWith(size_t threads) {
  for (int i = 0; i < 500 && Threads() != threads; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  return Threads() == threads;
}

TEST_CASE("a disk that answers is told as it is") {
  boost::asio::io_context io;
  PatientDiskSpace space(io);
  const Asked asked = Ask(io, space, "/");
  REQUIRE_OK(asked.answer);
  const auto direct = ReadDiskSpace("/");
  CHECK(asked.answer->total_mib == direct.value().total_mib);
  CHECK_FALSE(Ask(io, space, "/no/such/folder").answer.ok());
  REQUIRE_OK(Ask(io, space, "/").answer);
}

TEST_CASE("a file system that never answers keeps one thread and never the daemon's") {
  testing::TempFolder folder;
  const std::string point = folder.File("mount");
  std::filesystem::create_directory(point);
  testing::DeadMount dead(point);
  const size_t threads = Threads();

  boost::asio::io_context io;
  PatientDiskSpace space(io, /*time_limit_ms=*/300);
  const Asked first = Ask(io, space, point);
  CHECK(absl::IsUnavailable(first.answer.status()));
  CHECK(first.took >= milliseconds(290));
  CHECK(first.took < milliseconds(3'000));
  CHECK(first.ticks >= 10);
  CHECK(Threads() == threads + 1);

  // As long as it waits, no second one is sent to wait beside it.
  const Asked second = Ask(io, space, point);
  CHECK(absl::IsUnavailable(second.answer.status()));
  CHECK(second.took < milliseconds(100));
  CHECK(Threads() == threads + 1);

  dead.End();
  CHECK(EndsWith(threads));
  REQUIRE_OK(Ask(io, space, "/").answer);
}

TEST_CASE("the thread that waits outlives who asked") {
  testing::TempFolder folder;
  const std::string point = folder.File("mount");
  std::filesystem::create_directory(point);
  testing::DeadMount dead(point);
  const size_t threads = Threads();
  {
    boost::asio::io_context io;
    PatientDiskSpace space(io, /*time_limit_ms=*/50);
    CHECK_FALSE(Ask(io, space, point).answer.ok());
  }
  CHECK(Threads() == threads + 1);
  dead.End();
  CHECK(EndsWith(threads));
}

TEST_CASE("the kernel's own table says not to ask a dead mount") {
  testing::TempFolder folder;
  const std::string point = folder.File("mount");
  std::filesystem::create_directory(point);
  testing::DeadMount dead(point);
  std::vector<Mount> mounts = ParseMounts(ReadFile("/proc/thread-self/mountinfo").value());
  const Mount* found = MountOf(mounts, point + "/below");
  REQUIRE(found != nullptr);
  CHECK(found->point == point);
  Mount root = *found;
  root.point = "/";
  CHECK(MessageOf(SystemMount({root}).status()).find("type fuse") != std::string::npos);
}

// A recorded machine whose `var` is the dead mount. `type` is what its table says of it.
struct MachineOnDeadMount {
  explicit MachineOnDeadMount(const std::string& type) {
    context.roots.var = folder.File("var");
    context.roots.proc = folder.File("proc");
    context.roots.sys = folder.File("sys");
    std::filesystem::create_directories(context.roots.var);
    std::filesystem::create_directories(context.roots.proc + "/self");
    std::ofstream(context.roots.proc + "/self/mountinfo")
        << "24 1 7:0 / / ro - squashfs /dev/loop0 ro\n25 24 0:44 / /var rw - " << type
        << " dead rw\n";
    dead.emplace(context.roots.var);
  }

  testing::TempFolder folder;
  std::optional<testing::DeadMount> dead;
  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  SamplerContext context{io, clock, recorder, {}, [](std::string_view) { return ""; }};
};

TEST_CASE("the whole sampler passes by a dead mount") {
  MachineOnDeadMount machine("fuse");
  const size_t threads = Threads();
  const std::unique_ptr<Sampler> sampler = MakeHealthSampler(machine.context);
  testing::RunSample(machine.io, *sampler, {0, 0, true, true});
  CHECK(Threads() == threads);
  CHECK(machine.recorder.unmeasured.at({metric::kDiskFree, ""}).find("type fuse") !=
        std::string::npos);
}

TEST_CASE("the whole sampler outlasts a local file system that does not answer") {
  MachineOnDeadMount machine("btrfs");
  const std::unique_ptr<Sampler> sampler = MakeHealthSampler(machine.context);
  testing::RunSample(machine.io, *sampler, {0, 0, true, true});
  CHECK(machine.recorder.unmeasured.at({metric::kDiskFree, ""}).find("does not answer") !=
        std::string::npos);
  CHECK(machine.recorder.gauges.count({metric::kDiskFree, ""}) == 0);
  machine.dead->End();
}

}  // namespace
}  // namespace candor
