// candor-session on a real Wayland desktop (sway without a screen), with a real GTK program that is
// stopped and killed for real: what can be had there, and the reasons for the rest.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "common/registry.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/session_reports.h"
#include "tests/laptop/wayland_desktop.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"

namespace candor {
namespace {

using testing::Process;
using testing::WaylandDesktop;

constexpr char kEditor[] = "/usr/bin/l3afpad";

std::string LacksForWayland() {
  for (const char* program :
       {"sway", "swaymsg", "wtype", "Xwayland", "dbus-daemon", "dbus-send", "setpriv", "l3afpad"}) {
    if (!testing::FoundInPath(program)) return std::string("no ") + program;
  }
  return {};
}

void Sleep(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

class WatchedWayland : public testing::SessionReports {
 public:
  explicit WatchedWayland(bool accessible, std::unique_ptr<WaylandDesktop> on = NewDesktop())
      : SessionReports(on->person()), desktop(std::move(on)) {
    if (accessible) desktop->SwitchAccessibility(true);
    // The person may not be able to see this build's folder.
    const std::string program = folder_.File("candor-session");
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
    std::filesystem::copy_file(testing::ProgramPath("candor-session"), program);
    helper_ = desktop->Start({program, "--agent-socket", socket()});
    REQUIRE(helper_->WaitForLine("ready", 10'000));
  }

  // The person works, and what the helper said meanwhile and just after is added up.
  void Work(int64_t ms) {
    desktop->Type(ms);
    Sleep(3'500);
    Listen();
  }
  void WorkWith(int64_t ms, const std::function<void()>& meanwhile) {
    std::thread other(meanwhile);
    Work(ms);
    other.join();
  }
  const std::string& ReasonOf(uint32_t what) { return unmeasured[what]; }
  Process& helper() { return *helper_; }

  std::unique_ptr<WaylandDesktop> desktop;

 private:
  static std::unique_ptr<WaylandDesktop> NewDesktop() { return std::make_unique<WaylandDesktop>(); }

  testing::TempFolder folder_;
  std::unique_ptr<Process> helper_;
};

TEST_CASE("Wayland: an accessible program has replies, and a stop of six and a half seconds") {
  SKIP_WITHOUT(LacksForWayland());
  WatchedWayland watched(/*accessible=*/true);
  const auto program = watched.desktop->Open({"l3afpad"});
  watched.Work(6'000);
  REQUIRE(watched.replies_us.contains(kEditor));
  const auto& replies_us = watched.replies_us[kEditor];
  CHECK(replies_us.size() >= 4);
  CHECK(replies_us.size() <= 9);
  CHECK(*std::max_element(replies_us.begin(), replies_us.end()) < 500'000);
  CHECK(watched.hangs_ms.empty());
  CHECK(watched.watched_ms >= 3'000);
  CHECK(watched.ReasonOf(metric::kUiReply).empty());
  CHECK(watched.ReasonOf(metric::kHangSeconds).empty());
  CHECK(watched.ReasonOf(event::kHang).empty());
  CHECK(watched.ReasonOf(metric::kLaunch).starts_with("Wayland tells of no launches"));

  watched.Forget();
  watched.WorkWith(14'000, [&] {
    Sleep(3'300);
    ::kill(program->pid(), SIGSTOP);
    Sleep(6'500);
    ::kill(program->pid(), SIGCONT);
  });
  REQUIRE(watched.hangs_ms.size() == 1);
  CHECK(watched.hangs_ms[0].first == kEditor);
  CHECK(watched.hangs_ms[0].second >= 5'400);
  CHECK(watched.hangs_ms[0].second <= 6'800);
  CHECK(watched.hang_ms >= 5'400);
  CHECK(watched.hang_ms <= 6'800);

  // Nobody works: nobody is asked.
  watched.Forget();
  Sleep(5'000);
  watched.Listen();
  CHECK(watched.replies_us.empty());
}

TEST_CASE("Wayland: a program killed while it hangs ends its hang, and another one is in front") {
  SKIP_WITHOUT(LacksForWayland());
  WatchedWayland watched(/*accessible=*/true);
  const auto behind = watched.desktop->Open({"l3afpad"});
  const auto program = watched.desktop->Open({"l3afpad"});
  watched.Work(3'000);
  watched.Forget();
  watched.WorkWith(18'000, [&] {
    Sleep(2'300);
    ::kill(program->pid(), SIGSTOP);
    Sleep(7'500);
    ::kill(program->pid(), SIGKILL);
  });
  REQUIRE(watched.hangs_ms.size() == 1);
  CHECK(watched.hangs_ms[0].second >= 6'400);
  CHECK(watched.hangs_ms[0].second <= 7'800);
  // Those before the stop, and those of the one that was behind it.
  CHECK(watched.replies_us[kEditor].size() >= 3);
}

TEST_CASE(
    "Wayland: who turns to another window loses no more time in front of the one that hangs") {
  SKIP_WITHOUT(LacksForWayland());
  WatchedWayland watched(/*accessible=*/true);
  const auto other = watched.desktop->Open({"l3afpad"});
  const auto program = watched.desktop->Open({"l3afpad"});
  watched.Work(4'000);
  watched.Forget();
  watched.WorkWith(20'000, [&] {
    Sleep(3'300);
    ::kill(program->pid(), SIGSTOP);
    Sleep(7'000);
    watched.desktop->Focus(*other);
    Sleep(6'000);
    ::kill(program->pid(), SIGCONT);
  });
  REQUIRE(watched.hangs_ms.size() == 1);
  CHECK(watched.hangs_ms[0].second >= 11'900);
  CHECK(watched.hangs_ms[0].second <= 13'300);
  CHECK(watched.hang_ms >= 5'900);
  // It takes up to two seconds to see that the other one is in front.
  CHECK(watched.hang_ms <= 9'300);
}

TEST_CASE("Wayland: without accessibility nobody is asked, no time is watched, and that is said") {
  SKIP_WITHOUT(LacksForWayland());
  WatchedWayland watched(/*accessible=*/false);
  const auto program = watched.desktop->Open({"l3afpad"});
  watched.Work(6'000);
  CHECK(watched.replies_us.empty());
  CHECK(watched.watched_ms == 0);
  for (const uint32_t what : {metric::kUiReply, metric::kHangSeconds, event::kHang}) {
    CHECK(watched.ReasonOf(what).starts_with("Wayland with accessibility off"));
  }
  CHECK(watched.ReasonOf(metric::kLaunch).starts_with("Wayland tells of no launches"));
  CHECK_FALSE(watched.desktop->XWaylandRuns());

  watched.Forget();
  watched.desktop->SwitchAccessibility(true);
  watched.Work(8'000);
  CHECK(watched.replies_us[kEditor].size() >= 2);
  CHECK(watched.ReasonOf(event::kHang).empty());

  watched.desktop->SwitchAccessibility(false);
  watched.Forget();
  watched.Work(4'000);
  CHECK(watched.replies_us.empty());
  CHECK(watched.ReasonOf(event::kHang).starts_with("Wayland with accessibility off"));
}

TEST_CASE("Wayland: a program that takes no part in accessibility is not watched") {
  SKIP_WITHOUT(LacksForWayland());
  WatchedWayland watched(/*accessible=*/true);
  const auto accessible = watched.desktop->Open({"l3afpad"});
  watched.Work(3'000);
  const auto mute = watched.desktop->Open({"l3afpad"}, {{"NO_AT_BRIDGE", "1"}});
  watched.Work(3'000);
  watched.Forget();
  watched.Work(7'000);
  CHECK(watched.replies_us.empty());
  CHECK(watched.watched_ms == 0);
}

TEST_CASE(
    "Wayland: an X program is asked as on X once XWayland runs, which is not started for it") {
  SKIP_WITHOUT(LacksForWayland());
  WatchedWayland watched(/*accessible=*/false);
  watched.Work(12'000);
  CHECK_FALSE(watched.desktop->XWaylandRuns());
  CHECK(watched.ReasonOf(metric::kUiReply).starts_with("Wayland with accessibility off"));
  const auto program =
      watched.desktop->Open({"l3afpad"}, {{"GDK_BACKEND", "x11"}, {"NO_AT_BRIDGE", "1"}});
  CHECK(watched.desktop->XWaylandRuns());
  watched.Work(16'000);
  CHECK(watched.ReasonOf(metric::kUiReply).empty());
  CHECK(watched.ReasonOf(event::kHang).starts_with("Wayland with accessibility off"));
  REQUIRE(watched.replies_us.contains(kEditor));
  CHECK(watched.replies_us[kEditor].size() >= 4);
  CHECK(watched.watched_ms >= 4'000);
}

TEST_CASE("Wayland: a daemon that comes back hears of the same window, and why not of launches") {
  SKIP_WITHOUT(LacksForWayland());
  WatchedWayland watched(/*accessible=*/true);
  const auto program = watched.desktop->Open({"l3afpad"});
  watched.WorkWith(16'000, [&] {
    Sleep(3'000);
    watched.Forget();
    watched.unmeasured.clear();
    watched.Restart(1'000);
    // It takes the helper up to two seconds to come back.
    for (int i = 0; i < 4; ++i) {
      Sleep(2'000);
      watched.Listen();
    }
  });
  CHECK(watched.replies_us[kEditor].size() >= 5);
  CHECK_FALSE(watched.ReasonOf(metric::kLaunch).empty());
  CHECK(watched.ReasonOf(event::kHang).empty());
}

TEST_CASE("Wayland: the helper ends with its compositor") {
  SKIP_WITHOUT(LacksForWayland());
  WatchedWayland watched(/*accessible=*/false);
  watched.desktop->EndCompositor();
  CHECK(watched.helper().Wait(5'000).exit_code == 0);
}

}  // namespace
}  // namespace candor
