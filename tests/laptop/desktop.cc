#include "tests/laptop/desktop.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/support/collector/collector_fixture.h"

namespace candor::testing {
namespace {

constexpr int64_t kStartMs = 20'000;
constexpr int64_t kLookMs = 50;
constexpr int64_t kMoveMs = 200;

void Sleep(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

Desktop::Desktop(const std::vector<std::string>& launcher) {
  std::vector<std::string> words = launcher;
  // It says its number when it takes connections, on a descriptor that leads to standard output.
  words.insert(words.end(),
               {"sh", "-c",
                "exec Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp -noreset 3>&1 "
                "2>/dev/null"});
  server_ = std::make_unique<Process>(Process::Command{.words = words});
  for (int64_t waited_ms = 0; display_.empty(); waited_ms += kLookMs) {
    if (waited_ms > kStartMs || !server_->running()) throw std::runtime_error("Xvfb: no display");
    const std::string number = server_->out();
    if (number.ends_with('\n')) display_ = ":" + number.substr(0, number.size() - 1);
    Sleep(kLookMs);
  }
  window_manager_ = std::make_unique<Process>(
      Process::Command{.words = {"openbox", "--sm-disable"}, .environment = Environment()});
  for (int64_t waited_ms = 0;; waited_ms += kLookMs) {
    const Outcome managed = RunProgram({"xdotool", "get_num_desktops"}, kStartMs, Environment());
    if (managed.exit_code == 0 && managed.out != "0\n") return;
    if (waited_ms > kStartMs) throw std::runtime_error("openbox does not manage the display");
    Sleep(kLookMs);
  }
}

std::map<std::string, std::string> Desktop::Environment() const {
  // Nothing of the machine's own session is used.
  return {{"DISPLAY", display_},
          {"HOME", folder_.path()},
          {"XDG_CONFIG_HOME", folder_.File("config")},
          {"XDG_RUNTIME_DIR", folder_.path()},
          {"DBUS_SESSION_BUS_ADDRESS", "disabled:"},
          {"NO_AT_BRIDGE", "1"},
          {"GDK_BACKEND", "x11"},
          {"QT_QPA_PLATFORM", "xcb"}};
}

std::unique_ptr<Process> Desktop::Open(const std::vector<std::string>& words) const {
  auto program =
      std::make_unique<Process>(Process::Command{.words = words, .environment = Environment()});
  for (int64_t waited_ms = 0; Foreground() != program->pid(); waited_ms += kLookMs) {
    if (waited_ms > kStartMs || !program->running()) {
      throw std::runtime_error(words[0] + " shows no window: " + program->err());
    }
    Sleep(kLookMs);
  }
  return program;
}

void Desktop::Move(int64_t ms) const {
  // One xdotool that walks to and fro, so that the person costs nothing.
  std::vector<std::string> words = {"xdotool"};
  for (int64_t at_ms = 0; at_ms < ms; at_ms += kMoveMs) {
    words.insert(words.end(), {"mousemove_relative", "--", at_ms / kMoveMs % 2 == 0 ? "3" : "-3",
                               "0", "sleep", std::to_string(kMoveMs / 1e3)});
  }
  RequireSuccess(RunProgram(words, 2 * ms + kStartMs, Environment()), "xdotool");
}

pid_t Desktop::Foreground() const {
  const Outcome found =
      RunProgram({"xdotool", "getactivewindow", "getwindowpid"}, kStartMs, Environment());
  return found.exit_code == 0 ? std::atoi(found.out.c_str()) : -1;
}

}  // namespace candor::testing
