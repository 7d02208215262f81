#include "tests/laptop/wayland_desktop.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>

#include "tests/support/collector/collector_fixture.h"

namespace candor::testing {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;
constexpr int64_t kStartMs = 20'000;
constexpr int64_t kLookMs = 50;
constexpr int64_t kKeyMs = 200;

void Until(const std::string& what, const std::function<bool()>& is_so) {
  for (int64_t waited_ms = 0; !is_so(); waited_ms += kLookMs) {
    if (waited_ms > kStartMs) throw std::runtime_error(what);
    std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
  }
}

std::string FileText(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

WaylandDesktop::WaylandDesktop() : person_(::geteuid() == 0 ? kNobody : ::geteuid()) {
  fs::permissions(folder_.path(), fs::perms::group_exec | fs::perms::others_exec,
                  fs::perm_options::add);
  for (const char* name : {"run", "home"}) {
    fs::create_directory(folder_.File(name));
    if (::chown(folder_.File(name).c_str(), person_, person_) != 0) {
      throw std::runtime_error("cannot give a folder away");
    }
    fs::permissions(folder_.File(name), fs::perms::owner_all);
  }
  bus_ = Start({"dbus-daemon", "--session", "--nofork", "--print-address"});
  const auto address = bus_->WaitForLine("unix:", kStartMs);
  if (!address) throw std::runtime_error("no session bus: " + bus_->err());
  bus_address_ = *address;
  // Sway says the X display, that it listens on for a first X program, to what it starts itself.
  std::ofstream(folder_.File("sway.conf"))
      << "xwayland enable\nexec sh -c 'echo $DISPLAY > $XDG_RUNTIME_DIR/display'\n";
  sway_ =
      Start({"sway", "-c", folder_.File("sway.conf")}, {{"WLR_BACKENDS", "headless"},
                                                        {"WLR_LIBINPUT_NO_DEVICES", "1"},
                                                        {"WLR_RENDERER", "pixman"},
                                                        {"SWAYSOCK", folder_.File("run/sway.sock")},
                                                        {"WAYLAND_DISPLAY", ""},
                                                        {"DISPLAY", ""}});
  Until("sway does not come up", [&] {
    if (!sway_->running()) throw std::runtime_error("sway: " + sway_->err());
    return FileText(folder_.File("run/display")).ends_with('\n');
  });
}

std::map<std::string, std::string> WaylandDesktop::Environment() const {
  // Nothing of the machine's own session is used.
  const std::string display = FileText(folder_.File("run/display"));
  return {{"DISPLAY", display.substr(0, display.find('\n'))},
          {"WAYLAND_DISPLAY", "wayland-1"},
          {"XDG_SESSION_TYPE", "wayland"},
          {"XDG_CURRENT_DESKTOP", "sway"},
          {"SWAYSOCK", folder_.File("run/sway.sock")},
          {"HOME", folder_.File("home")},
          {"XDG_CONFIG_HOME", folder_.File("home/config")},
          {"XDG_STATE_HOME", folder_.File("home/state")},
          {"XDG_RUNTIME_DIR", folder_.File("run")},
          {"DBUS_SESSION_BUS_ADDRESS", bus_address_},
          {"GDK_BACKEND", "wayland"}};
}

std::vector<std::string> WaylandDesktop::AsPerson(const std::vector<std::string>& words) const {
  if (person_ == ::geteuid()) return words;
  const std::string id = std::to_string(person_);
  std::vector<std::string> all = {"setpriv", "--reuid", id, "--regid", id, "--clear-groups"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

std::unique_ptr<Process> WaylandDesktop::Start(
    const std::vector<std::string>& words, std::map<std::string, std::string> environment) const {
  environment.merge(Environment());
  return std::make_unique<Process>(
      Process::Command{.words = AsPerson(words), .environment = std::move(environment)});
}

std::string WaylandDesktop::Say(const std::vector<std::string>& words) const {
  return RequireSuccess(RunProgram(AsPerson(words), kStartMs, Environment()), words[0]).out;
}

std::unique_ptr<Process> WaylandDesktop::Open(
    const std::vector<std::string>& words, std::map<std::string, std::string> environment) const {
  auto program = Start(words, std::move(environment));
  // Of the tree, the lines with a process and before it whether that one has the focus.
  const std::string pid = "\"pid\": " + std::to_string(program->pid()) + ",";
  Until(words[0] + " shows no window", [&] {
    if (!program->running()) throw std::runtime_error(words[0] + ": " + program->err());
    const std::string tree = Say({"swaymsg", "-t", "get_tree"});
    const size_t at = tree.find(pid);
    if (at == std::string::npos) return false;
    const size_t focused = tree.rfind("\"focused\": ", at);
    return focused != std::string::npos &&
           tree.compare(focused, std::string("\"focused\": true").size(), "\"focused\": true") == 0;
  });
  return program;
}

void WaylandDesktop::Focus(const Process& program) const {
  Say({"swaymsg", "[pid=" + std::to_string(program.pid()) + "] focus"});
}

void WaylandDesktop::SwitchAccessibility(bool on) const {
  Say({"dbus-send", "--session", "--print-reply", "--dest=org.a11y.Bus", "/org/a11y/bus",
       "org.freedesktop.DBus.Properties.Set", "string:org.a11y.Status", "string:IsEnabled",
       std::string("variant:boolean:") + (on ? "true" : "false")});
}

void WaylandDesktop::Type(int64_t ms) const {
  std::vector<std::string> words = {"wtype"};
  for (int64_t at_ms = 0; at_ms < ms; at_ms += kKeyMs) {
    words.insert(words.end(), {"-k", "Shift_L", "-s", std::to_string(kKeyMs)});
  }
  RequireSuccess(RunProgram(AsPerson(words), 2 * ms + kStartMs, Environment()), "wtype");
}

void WaylandDesktop::EndCompositor() {
  sway_->Signal(SIGTERM);
  sway_->Wait(kStartMs);
}

bool WaylandDesktop::XWaylandRuns() const {
  // Another desktop may run on this machine: the one of this desktop's number.
  const std::string words = "Xwayland" + std::string(1, '\0') + Environment()["DISPLAY"] + '\0';
  for (const auto& process : fs::directory_iterator("/proc")) {
    if (FileText(process.path() / "cmdline").starts_with(words)) return true;
  }
  return false;
}

}  // namespace candor::testing
