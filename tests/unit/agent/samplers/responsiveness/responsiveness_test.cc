#include "agent/samplers/responsiveness/responsiveness.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/samplers/responsiveness/pressure.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/agent/samplers/responsiveness/session_helper.h"

namespace candor {
namespace {

using Key = testing::RecordingRecorder::Key;

class Laptop {
 public:
  Laptop() {
    roots_.proc = folder_.File("proc");
    roots_.sys = folder_.File("sys");
    roots_.run = folder_.File("run");
    roots_.usr = folder_.File("usr");
    roots_.var = folder_.File("var");
  }
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_.File(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void SetPressure(const std::string& kind, int64_t total) {
    Write("proc/pressure/" + kind,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=" + std::to_string(total) + "\n");
  }
  void SetAppPressure(const std::string& group, int64_t total) {
    Write("sys/fs/cgroup/cgroup.controllers", "cpu io memory\n");
    for (const std::string kind : {"cpu", "memory", "io"}) {
      Write("sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/" + group + "/" +
                kind + ".pressure",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=" + std::to_string(total) + "\n");
    }
  }
  void Start() {
    sampler_ = MakeResponsivenessSampler({io_, clock_, recorder, roots_, {}, session_socket()});
  }
  std::string session_socket() const { return folder_.File("session.sock"); }
  void SampleAfter(int64_t ms, bool minute_start = true) {
    clock_.Advance(ms);
    testing::RunSample(io_, *sampler_, {.minute_start = minute_start, .in_use = true});
  }

  testing::RecordingRecorder recorder;

 private:
  testing::TempFolder folder_;
  LinuxRoots roots_;
  testing::ManualClock clock_;
  boost::asio::io_context io_;
  std::unique_ptr<Sampler> sampler_;
};

TEST_CASE("every metric of the family is in the registry under it") {
  for (const MetricEntry& entry : Metrics()) {
    const bool listed = std::find(kResponsivenessMetrics.begin(), kResponsivenessMetrics.end(),
                                  entry.number) != kResponsivenessMetrics.end();
    CHECK(listed == (entry.family == "responsiveness"));
  }
}

TEST_CASE("stalls of the machine are counted between ticks, with the time they were watched") {
  Laptop laptop;
  for (const std::string kind : {"cpu", "memory", "io"}) laptop.SetPressure(kind, 50'000'000);
  laptop.Start();
  laptop.SampleAfter(0);
  CHECK(laptop.recorder.counted.empty());
  CHECK(laptop.recorder.watched.empty());

  laptop.SetPressure("cpu", 51'500'000);
  laptop.SetPressure("io", 50'000'900);
  laptop.SampleAfter(10'000, false);
  CHECK(laptop.recorder.counted.at({metric::kCpuStall, ""}) == 1'500);
  CHECK(laptop.recorder.counted.at({metric::kMemoryStall, ""}) == 0);
  CHECK(laptop.recorder.counted.at({metric::kIoStall, ""}) == 0);
  CHECK(laptop.recorder.watched.at(std::string(watch::kPressure)) == 10'000);
}

TEST_CASE("a gap in which the agent stood still is neither counted nor watched") {
  Laptop laptop;
  for (const std::string kind : {"cpu", "memory", "io"}) laptop.SetPressure(kind, 0);
  laptop.Start();
  laptop.SampleAfter(0);
  laptop.SetPressure("cpu", 400'000'000);
  laptop.SampleAfter(400'000);
  CHECK(laptop.recorder.counted.empty());
  CHECK(laptop.recorder.watched.empty());
}

TEST_CASE("without pressure figures the stalls are unmeasured with the reason") {
  Laptop laptop;
  laptop.Start();
  laptop.SampleAfter(0);
  laptop.SampleAfter(60'000);
  for (const uint32_t what : {metric::kCpuStall, metric::kMemoryStall, metric::kIoStall}) {
    CHECK(laptop.recorder.unmeasured.at({what, ""}).find("PSI is off") != std::string::npos);
    CHECK(laptop.recorder.counted.count(Key{what, ""}) == 0);
  }
  CHECK(laptop.recorder.watched.empty());
  CHECK(laptop.recorder.unmeasured.at({metric::kAppCpuStall, ""}).find("version 2") !=
        std::string::npos);
}

TEST_CASE("stalls of an application are told by name only where a package owns it") {
  Laptop laptop;
  laptop.Write("usr/share/applications/firefox.desktop", "");
  laptop.Write("usr/share/applications/homemade.desktop", "");  // copied there by hand
  laptop.Write("var/lib/dpkg/status", "");
  laptop.Write("var/lib/dpkg/info/firefox.list", "/usr/share/applications/firefox.desktop\n");
  laptop.SetAppPressure("app-gnome-firefox-1.scope", 1'000);
  laptop.Start();
  laptop.SampleAfter(0);
  laptop.SetAppPressure("app-gnome-firefox-1.scope", 251'000);
  laptop.SetAppPressure("app-gnome-homemade-2.scope", 30'000);
  laptop.SampleAfter(60'000);
  CHECK(laptop.recorder.counted.at({metric::kAppCpuStall, "firefox"}) == 250);
  CHECK(laptop.recorder.counted.at({metric::kAppIoStall, "firefox"}) == 250);
  CHECK(laptop.recorder.counted.at({metric::kAppMemoryStall, "other"}) == 30);
  CHECK(laptop.recorder.counted.count(Key{metric::kAppCpuStall, "homemade"}) == 0);
  CHECK(laptop.recorder.unmeasured.count(Key{metric::kAppCpuStall, ""}) == 0);
}

TEST_CASE("what only a desktop session can see is unmeasured without one") {
  Laptop laptop;
  laptop.Start();
  for (const uint32_t what :
       {metric::kUiReply, metric::kHangSeconds, metric::kLaunch, event::kHang, event::kSignIn}) {
    CHECK(laptop.recorder.unmeasured.at({what, ""}).find("candor-session") != std::string::npos);
  }
}

TEST_CASE("what a desktop session saw of programs is told by the names of those with an owner") {
  Laptop laptop;
  laptop.Write("var/lib/dpkg/status", "");
  laptop.Write("var/lib/dpkg/info/editor.list", "/usr/bin/editor\n");
  laptop.Write("run/systemd/users/" + std::to_string(::getuid()), "");
  laptop.Start();
  v1::FromSession message;
  // More than a line of them, names short and long.
  for (size_t i = 0; i < 20; ++i) {
    auto* program = message.mutable_report()->add_programs();
    program->set_executable(i == 3 ? "/usr/bin/editor" : "/home/a/" + std::string(2 * i, 'x'));
    program->set_task(i == 3 ? "editor" : "x");
    program->set_cgroup("/user.slice/app.slice/app-x-1.scope");
    program->add_reply_us(1'000 + 100 * i);
  }
  const SessionHelper helper(laptop.session_socket());
  laptop.SampleAfter(1'000);
  helper.Send(SessionHelper::Frame(message));
  laptop.SampleAfter(1'000);
  CHECK(laptop.recorder.recorded.at({metric::kUiReply, "editor"}) == std::vector<int64_t>{1'300});
  CHECK(laptop.recorder.recorded.at({metric::kUiReply, "other"}).size() == 19);
}

TEST_CASE("this very machine's stalls are read, or their absence has a reason") {
  testing::RecordingRecorder recorder;
  testing::ManualClock clock;
  boost::asio::io_context io;
  const auto sampler = MakeResponsivenessSampler({io, clock, recorder, {}, {}});
  auto files = OpenPressureFiles("/proc");
  const auto before = files.ok() ? (*files)->ReadTotalsUs() : files.status();
  testing::RunSample(io, *sampler, {});
  clock.Advance(10'000);
  testing::RunSample(io, *sampler, {});
  if (!before.ok()) {
    CHECK_FALSE(recorder.unmeasured.at({metric::kCpuStall, ""}).empty());
    return;
  }
  const auto after = (*files)->ReadTotalsUs();
  REQUIRE_OK(after);
  CHECK(recorder.counted.at({metric::kCpuStall, ""}) <= ((*after)[0] - (*before)[0]) / 1000);
}

}  // namespace
}  // namespace candor
