#include "agent/session/window_watch.h"

#include <vector>

#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kTickUs = 1'000'000;

class Heard final : public WindowListener {
 public:
  struct Hang {
    std::string task;
    int64_t began_us;
    int64_t length_us;
    bool operator==(const Hang&) const = default;
  };
  void OnReply(const WindowProgram&, int64_t took_us) override { replies_us.push_back(took_us); }
  void OnHang(const WindowProgram& program, int64_t began_us, int64_t length_us) override {
    hangs.push_back({program.task, began_us, length_us});
  }
  void OnHangTime(const WindowProgram&, int64_t us) override { hang_time_us += us; }

  std::vector<int64_t> replies_us;
  std::vector<Hang> hangs;
  int64_t hang_time_us = 0;
};

ForegroundWindow Window(uint32_t id, const std::string& task = "editor", bool takes_pings = true) {
  return {id, takes_pings, {"/usr/bin/" + task, task, ""}};
}

// A desktop with a person at it: one tick a second, windows that answer within a millisecond unless
// they are stopped.
struct Desktop {
  void Front(std::optional<ForegroundWindow> window) { watch.SetForeground(window, now_us); }
  void Stop(uint32_t window) { stopped.insert({window, true}); }
  void Continue(uint32_t window) {
    stopped.erase(window);
    for (const WindowWatch::Ping& ping : unanswered) {
      if (ping.window == window) watch.Answered(ping.window, ping.token, now_us);
    }
    std::erase_if(unanswered, [&](const auto& ping) { return ping.window == window; });
  }
  void Run(int64_t seconds, bool input = true) {
    for (int64_t i = 0; i < seconds; ++i) {
      if (input) {
        if (const auto ping = watch.Tick(now_us)) {
          ++pings;
          if (stopped.contains(ping->window)) {
            unanswered.push_back(*ping);
          } else {
            watch.Answered(ping->window, ping->token, now_us + 1'000);
          }
        }
      }
      now_us += kTickUs;
      watch.Account(now_us);
    }
  }

  Heard heard;
  WindowWatch watch{heard};
  int64_t now_us = 1'000 * kTickUs;
  int pings = 0;
  std::map<uint32_t, bool> stopped;
  std::vector<WindowWatch::Ping> unanswered;
};

TEST_CASE("a window that answers has a reply time a second, and no hang") {
  Desktop desktop;
  desktop.Front(Window(1));
  desktop.Run(60);
  CHECK(desktop.heard.replies_us == std::vector<int64_t>(60, 1'000));
  CHECK(desktop.heard.hangs.empty());
  CHECK(desktop.heard.hang_time_us == 0);
}

TEST_CASE("without input nothing is pinged") {
  Desktop desktop;
  desktop.Front(Window(1));
  desktop.Run(3'600, /*input=*/false);
  CHECK(desktop.pings == 0);
}

TEST_CASE("a stop shows as a reply time below five seconds and as one hang from there on") {
  Desktop desktop;
  desktop.Front(Window(1));
  desktop.Run(10);
  const auto [stop_s, hangs] = GENERATE(table<int64_t, size_t>({{2, 0}, {4, 0}, {7, 1}, {30, 1}}));
  desktop.Stop(1);
  const int64_t stopped_us = desktop.now_us;
  desktop.Run(stop_s);
  desktop.Continue(1);
  desktop.Run(5);
  REQUIRE(desktop.heard.hangs.size() == hangs);
  CHECK(desktop.heard.replies_us.size() == 15 + (hangs == 0 ? 1 : 0));
  if (hangs == 0) {
    CHECK(desktop.heard.replies_us[10] == stop_s * kTickUs);
    CHECK(desktop.heard.hang_time_us == 0);
  } else {
    CHECK(desktop.heard.hangs[0] == Heard::Hang{"editor", stopped_us, stop_s * kTickUs});
    CHECK(desktop.heard.hang_time_us == stop_s * kTickUs);
  }
  CHECK(desktop.watch.measurable(desktop.now_us));
}

TEST_CASE("a window that is destroyed while it hangs ends its hang") {
  Desktop desktop;
  desktop.Front(Window(1));
  desktop.Run(2);
  desktop.Stop(1);
  desktop.Run(8);
  CHECK(desktop.watch.waiting());
  desktop.watch.Gone(1, desktop.now_us);
  CHECK_FALSE(desktop.watch.waiting());
  REQUIRE(desktop.heard.hangs.size() == 1);
  CHECK(desktop.heard.hangs[0].length_us == 8 * kTickUs);
  CHECK_FALSE(desktop.watch.foreground());
  desktop.watch.Answered(1, 3, desktop.now_us);
  CHECK(desktop.heard.hangs.size() == 1);
}

TEST_CASE("a window destroyed before five seconds are over did not hang") {
  Desktop desktop;
  desktop.Front(Window(1));
  desktop.Run(2);
  desktop.Stop(1);
  desktop.Run(3);
  desktop.watch.Gone(1, desktop.now_us);
  CHECK(desktop.heard.hangs.empty());
}

TEST_CASE("only time in front of the hanging window is lost, its length runs on") {
  Desktop desktop;
  desktop.Front(Window(1));
  desktop.Run(2);
  desktop.Stop(1);
  desktop.Run(10);
  desktop.Front(Window(2, "browser"));
  desktop.Run(20);
  desktop.Front(Window(1));
  desktop.Run(5);
  desktop.Front(std::nullopt);
  desktop.Run(7);
  desktop.Continue(1);
  REQUIRE(desktop.heard.hangs.size() == 1);
  CHECK(desktop.heard.hangs[0].length_us == 42 * kTickUs);
  CHECK(desktop.heard.hang_time_us == 15 * kTickUs);
}

TEST_CASE("two windows can hang at once, each for itself") {
  Desktop desktop;
  desktop.Front(Window(1));
  desktop.Run(2);
  desktop.Front(Window(2, "browser"));
  desktop.Run(2);
  desktop.Stop(1);
  desktop.Stop(2);
  desktop.Run(8);
  desktop.Front(Window(1));
  desktop.Run(9);
  desktop.Continue(2);
  desktop.Continue(1);
  REQUIRE(desktop.heard.hangs.size() == 2);
  CHECK(desktop.heard.hangs[0].task == "browser");
  CHECK(desktop.heard.hangs[0].length_us == 17 * kTickUs);
  CHECK(desktop.heard.hangs[1].task == "editor");
  CHECK(desktop.heard.hangs[1].length_us == 9 * kTickUs);
}

TEST_CASE("a window without the protocol, or none, is not measurable") {
  Desktop desktop;
  CHECK_FALSE(desktop.watch.measurable(desktop.now_us));
  desktop.Front(Window(1, "xterm", /*takes_pings=*/false));
  desktop.Run(10);
  CHECK(desktop.pings == 0);
  CHECK_FALSE(desktop.watch.measurable(desktop.now_us));
}

TEST_CASE("a window that promises answers and never gave one is not measured, until it does") {
  Desktop desktop;
  desktop.Front(Window(1));
  desktop.Stop(1);
  desktop.Run(60);
  CHECK(desktop.pings == 1);
  CHECK_FALSE(desktop.watch.measurable(desktop.now_us));
  CHECK(desktop.heard.hang_time_us == 0);
  desktop.Continue(1);
  CHECK(desktop.heard.hangs.empty());
  CHECK(desktop.watch.measurable(desktop.now_us));
  desktop.Run(3);
  CHECK(desktop.heard.replies_us.size() == 3);
}

TEST_CASE("answers of others, late copies and wrong tokens are nothing") {
  Desktop desktop;
  desktop.Front(Window(1));
  const auto ping = desktop.watch.Tick(desktop.now_us);
  REQUIRE(ping);
  desktop.watch.Answered(2, ping->token, desktop.now_us);
  desktop.watch.Answered(1, ping->token + 1, desktop.now_us);
  CHECK(desktop.heard.replies_us.empty());
  desktop.watch.Answered(1, ping->token, desktop.now_us + 5);
  desktop.watch.Answered(1, ping->token, desktop.now_us + 9);
  CHECK(desktop.heard.replies_us == std::vector<int64_t>{5});
}

TEST_CASE("thousands of windows take bounded memory and lose no hang of the one in front") {
  Desktop desktop;
  for (uint32_t id = 1; id <= 5'000; ++id) {
    desktop.Front(Window(id));
    desktop.Run(1);
  }
  desktop.Stop(5'000);
  desktop.Run(6);
  desktop.Continue(5'000);
  CHECK(desktop.heard.hangs.size() == 1);
}

}  // namespace
}  // namespace candor
