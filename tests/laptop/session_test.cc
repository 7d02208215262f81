// candor-session on a real X display, with real GTK and Qt programs, stopped and killed for real;
// its reports are read as the daemon reads them.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "tests/laptop/desktop.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/session_reports.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/wait_for.h"

namespace candor {
namespace {

using testing::Desktop;
using testing::Process;

std::string LacksForDesktops() {
  for (const char* program : {"Xvfb", "openbox", "xdotool", "l3afpad", "featherpad", "xterm"}) {
    if (!testing::FoundInPath(program)) return std::string("no ") + program;
  }
  return {};
}

// A person's session with the helper in it, and the daemon's end of its socket.
class WatchedDesktop : public testing::SessionReports {
 public:
  WatchedDesktop() : SessionReports(::getuid()) {
    helper_ = std::make_unique<Process>(Process::Command{
        .words = {testing::ProgramPath("candor-session"), "--agent-socket", socket()},
        .environment = desktop.Environment()});
    REQUIRE(helper_->WaitForLine("ready", 10'000));
  }

  // Opens a program, and lets the person work in it until nothing of its start is heard any more.
  std::unique_ptr<Process> Settled(const std::string& program) {
    auto running = desktop.Open({program});
    Work(3'000);
    Forget();
    return running;
  }
  // The person works, and what the helper said meanwhile and just after is added up.
  void Work(int64_t ms) {
    desktop.Move(ms);
    // Without input for two seconds the helper reports what it has.
    std::this_thread::sleep_for(std::chrono::milliseconds(3'500));
    Listen();
  }
  // The same with the process stopped in the middle, by a signal.
  void WorkWithStop(const Process& program, int64_t stop_ms) {
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(3'300));
      ::kill(program.pid(), SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds(stop_ms));
      ::kill(program.pid(), SIGCONT);
    });
    Work(stop_ms + 7'000);
    stopper.join();
  }

  Desktop desktop;

 private:
  std::unique_ptr<Process> helper_;
};

uint64_t Longest(const std::vector<uint64_t>& us) {
  return *std::max_element(us.begin(), us.end());
}

TEST_CASE("a program's launch, its replies while there is input, none without") {
  SKIP_WITHOUT(LacksForDesktops());
  const std::string program = GENERATE("l3afpad", "featherpad");
  const std::string path = "/usr/bin/" + program;
  CAPTURE(program);
  WatchedDesktop watched;
  const auto begin = std::chrono::steady_clock::now();
  const auto running = watched.desktop.Open({program});
  const auto took_us = std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::steady_clock::now() - begin)
                           .count();
  watched.Work(8'000);
  REQUIRE(watched.launches_us.size() == 1);
  CHECK(watched.launches_us[0].first == path);
  // The process's clock ticks every 10 ms; the test looks every 50 ms and more.
  CHECK(watched.launches_us[0].second > 20'000);
  CHECK(watched.launches_us[0].second <= static_cast<uint64_t>(took_us) + 10'000);
  REQUIRE(watched.replies_us.contains(path));
  const auto& replies_us = watched.replies_us[path];
  CHECK(replies_us.size() >= 7);
  CHECK(replies_us.size() <= 11);
  CHECK(std::accumulate(replies_us.begin(), replies_us.end(), uint64_t{0}) / replies_us.size() <
        100'000);
  CHECK(watched.hangs_ms.empty());
  CHECK(watched.watched_ms >= 8'000);

  watched.Forget();
  std::this_thread::sleep_for(std::chrono::seconds(6));
  watched.Listen();
  CHECK(watched.replies_us.empty());
}

TEST_CASE("how long a program took to start agrees with its own clock within 50 ms") {
  SKIP_WITHOUT(LacksForDesktops());
  WatchedDesktop watched;
  for (const char* wait_ms : {"0", "700", "2500"}) {
    CAPTURE(wait_ms);
    watched.Forget();
    const auto running = watched.desktop.Open({CANDOR_LATE_WINDOW, wait_ms});
    const auto mapped = running->WaitForLine("mapped", 5'000);
    REQUIRE(mapped);
    watched.Work(1'000);
    REQUIRE(watched.launches_us.size() == 1);
    CHECK(watched.launches_us[0].first == CANDOR_LATE_WINDOW);
    const double truth_ms = std::stod(testing::FieldOf(*mapped, "after_us").value()) / 1'000;
    CHECK(static_cast<double>(watched.launches_us[0].second) / 1'000 ==
          Approx(truth_ms).margin(50));
  }
}

TEST_CASE("a stop of two seconds is a slow reply, one of six and a half a hang of its length") {
  SKIP_WITHOUT(LacksForDesktops());
  const std::string program = GENERATE("l3afpad", "featherpad");
  const std::string path = "/usr/bin/" + program;
  CAPTURE(program);
  WatchedDesktop watched;
  const auto running = watched.Settled(program);

  watched.WorkWithStop(*running, 2'000);
  CHECK(watched.hangs_ms.empty());
  REQUIRE(watched.replies_us.contains(path));
  CHECK(Longest(watched.replies_us[path]) >= 900'000);
  CHECK(Longest(watched.replies_us[path]) <= 2'200'000);

  watched.Forget();
  watched.WorkWithStop(*running, 6'500);
  REQUIRE(watched.hangs_ms.size() == 1);
  CHECK(watched.hangs_ms[0].first == path);
  CHECK(watched.hangs_ms[0].second >= 5'400);
  CHECK(watched.hangs_ms[0].second <= 6'800);
  CHECK(watched.hang_ms >= 5'400);
  CHECK(watched.hang_ms <= 6'800);
}

TEST_CASE("stops of ten and thirty seconds are one hang each, of their length") {
  SKIP_WITHOUT(LacksForDesktops());
  const std::string program = GENERATE("l3afpad", "featherpad");
  CAPTURE(program);
  WatchedDesktop watched;
  const auto running = watched.Settled(program);
  for (const uint64_t stop_ms : {10'000, 30'000}) {
    watched.Forget();
    watched.WorkWithStop(*running, static_cast<int64_t>(stop_ms));
    REQUIRE(watched.hangs_ms.size() == 1);
    CHECK(watched.hangs_ms[0].second >= stop_ms - 1'100);
    CHECK(watched.hangs_ms[0].second <= stop_ms + 300);
  }
}

TEST_CASE("of stops of half a second as many are slow replies as one question a second finds") {
  SKIP_WITHOUT(LacksForDesktops());
  const std::string program = GENERATE("l3afpad", "featherpad");
  CAPTURE(program);
  WatchedDesktop watched;
  const auto running = watched.Settled(program);
  constexpr int kStops = 20;
  std::thread stopper([&] {
    for (int i = 0; i < kStops; ++i) {
      // At differing moments of the second.
      std::this_thread::sleep_for(std::chrono::milliseconds(1'100 + 37 * i % 250));
      ::kill(running->pid(), SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      ::kill(running->pid(), SIGCONT);
    }
  });
  watched.Work(kStops * 1'850);
  stopper.join();
  CHECK(watched.hangs_ms.empty());
  const auto& replies_us = watched.replies_us["/usr/bin/" + program];
  CHECK(Longest(replies_us) <= 600'000);
  // Asked in the first 400 ms of a stop, which two of five are.
  const auto slow = std::count_if(replies_us.begin(), replies_us.end(),
                                  [](uint64_t reply_us) { return reply_us >= 100'000; });
  CAPTURE(replies_us.size());
  CHECK(slow >= 3);
  CHECK(slow <= 14);
}

TEST_CASE("a program killed while it hangs ends its hang") {
  SKIP_WITHOUT(LacksForDesktops());
  WatchedDesktop watched;
  const auto running = watched.Settled("l3afpad");
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2'300));
    ::kill(running->pid(), SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(7'500));
    ::kill(running->pid(), SIGKILL);
  });
  watched.Work(12'000);
  killer.join();
  REQUIRE(watched.hangs_ms.size() == 1);
  CHECK(watched.hangs_ms[0].second >= 6'400);
  CHECK(watched.hangs_ms[0].second <= 7'800);
}

TEST_CASE("a display that ends with its last program does not stay for the helper") {
  SKIP_WITHOUT(LacksForDesktops());
  Process server(
      {.words = {"sh", "-c", "exec Xvfb -displayfd 3 -nolisten tcp -terminate 3>&1 2>/dev/null"}});
  REQUIRE(testing::WaitFor(20, [&] { return server.out().ends_with('\n'); }));
  const std::string display = ":" + server.out().substr(0, server.out().find('\n'));
  const std::map<std::string, std::string> environment = {{"DISPLAY", display},
                                                          {"WAYLAND_DISPLAY", ""},
                                                          {"XDG_SESSION_TYPE", "x11"},
                                                          {"XDG_RUNTIME_DIR", ""}};
  // Whoever else looked whether it is up would be the display's last program.
  Process program({.words = {"openbox", "--sm-disable", "--startup", "echo started"},
                   .environment = environment});
  REQUIRE(program.WaitForLine("started", 20'000));
  Process helper({.words = {testing::ProgramPath("candor-session")}, .environment = environment});
  REQUIRE(helper.WaitForLine("ready", 10'000));
  CHECK(server.running());
  program.Signal(SIGTERM);
  CHECK(server.Wait(10'000).exit_code == 0);
  CHECK(helper.Wait(5'000).exit_code == 0);
}

TEST_CASE("a window without the protocol is not watched and has no replies") {
  SKIP_WITHOUT(LacksForDesktops());
  WatchedDesktop watched;
  const auto running = watched.desktop.Open({"xterm"});
  watched.Work(2'000);
  watched.Forget();
  watched.Work(6'000);
  CHECK(watched.replies_us.empty());
  // Only the pause after the input.
  CHECK(watched.watched_ms <= 4'500);
}

}  // namespace
}  // namespace candor
