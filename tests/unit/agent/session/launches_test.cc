#include "agent/session/launches.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

// A desktop's windows, and the processes they belong to.
struct Screen {
  void Show(uint32_t window, pid_t pid, int64_t started_s) {
    windows.push_back(window);
    owners[window] =
        Launches::Owner{pid,
                        {{"/usr/bin/p" + std::to_string(pid), "p" + std::to_string(pid), ""},
                         started_s * kSecondUs}};
  }
  void Hide(uint32_t window) { std::erase(windows, window); }
  // "p7 after 3 s"
  std::vector<std::string> Look(int64_t now_s) {
    std::vector<std::string> seen;
    for (const Launches::Launch& launch :
         launches.Update(windows, now_s * kSecondUs, [this](uint32_t window) {
           ++asked;
           const auto at = owners.find(window);
           return at == owners.end() ? std::nullopt : std::optional(at->second);
         })) {
      seen.push_back(launch.program.task + " after " + std::to_string(launch.took_us / kSecondUs) +
                     " s");
    }
    return seen;
  }

  Launches launches;
  std::vector<uint32_t> windows;
  std::map<uint32_t, Launches::Owner> owners;
  int asked = 0;
};
using Seen = std::vector<std::string>;

TEST_CASE("the first window of a process is its launch, further ones are not") {
  Screen screen;
  CHECK(screen.Look(100).empty());
  screen.Show(1, 7, 100);
  CHECK(screen.Look(103) == Seen{"p7 after 3 s"});
  screen.Show(2, 7, 100);
  CHECK(screen.Look(104).empty());
  CHECK(screen.asked == 2);
}

TEST_CASE("what was there before is no launch, its further windows neither") {
  Screen screen;
  screen.Show(1, 7, 99);
  CHECK(screen.Look(100).empty());
  screen.Show(2, 7, 99);
  CHECK(screen.Look(101).empty());
}

TEST_CASE("a splash that goes before the main window comes is the launch") {
  Screen screen;
  screen.Look(100);
  screen.Show(1, 7, 100);
  CHECK(screen.Look(101) == Seen{"p7 after 1 s"});
  screen.Hide(1);
  CHECK(screen.Look(102).empty());
  screen.Show(2, 7, 100);
  CHECK(screen.Look(105).empty());
}

TEST_CASE("a program opened from the tray was not waited for") {
  Screen screen;
  screen.Look(100);
  screen.Show(1, 7, 10);
  CHECK(screen.Look(500).empty());
}

TEST_CASE("a pid that is used again is another process") {
  Screen screen;
  screen.Look(100);
  screen.Show(1, 7, 100);
  CHECK(screen.Look(101).size() == 1);
  screen.Hide(1);
  screen.Look(102);
  screen.Show(2, 7, 105);
  CHECK(screen.Look(107) == Seen{"p7 after 2 s"});
}

TEST_CASE("windows of nobody known, and clocks that disagree, are no launches") {
  Screen screen;
  screen.Look(100);
  screen.windows.push_back(9);
  CHECK(screen.Look(101).empty());
  screen.Show(1, 7, 200);
  CHECK(screen.Look(102).empty());
}

}  // namespace
}  // namespace candor
