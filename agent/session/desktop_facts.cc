#include "agent/session/desktop_facts.h"

#include "agent/samplers/support/text.h"
#include "common/registry.h"

namespace candor {
namespace {

constexpr std::string_view kDefaultSocket = "wayland-0";
constexpr std::string_view kXSockets = "/tmp/.X11-unix/X";
// Columns of /proc/net/unix: number, references, protocol, flags, type, state, inode, path.
constexpr size_t kStateColumn = 5;
constexpr size_t kPathColumn = 7;
constexpr std::string_view kConnected = "03";

// Short enough for a line of candor-agent status.
constexpr std::string_view kNoDisplay = "no X display is reached";
constexpr std::string_view kNoBus = "Wayland without a session bus: only X programs are watched";
constexpr std::string_view kNoAccessibility =
    "Wayland with accessibility off: only X programs are watched";
constexpr std::string_view kNoInput = "Wayland without word of input: only X programs are watched";
constexpr std::string_view kNoLaunches =
    "Wayland tells of no launches: only X programs' are counted";

std::string_view WhyNoWindows(const SessionMeans& means) {
  if (!means.wayland) return means.x_display ? std::string_view() : kNoDisplay;
  if (!means.session_bus) return kNoBus;
  if (!means.accessibility) return kNoAccessibility;
  return means.tells_input ? std::string_view() : kNoInput;
}

}  // namespace

bool IsWayland(const DesktopEnvironment& environment) {
  if (environment.session_type == "x11") return false;
  return environment.session_type == "wayland" || !environment.wayland_display.empty();
}

std::string WaylandSocket(const DesktopEnvironment& environment) {
  const std::string_view name =
      environment.wayland_display.empty() ? kDefaultSocket : environment.wayland_display;
  if (name.starts_with('/')) return std::string(name);
  if (environment.runtime_folder.empty()) return {};
  return Concat(environment.runtime_folder, "/", name);
}

std::map<uint32_t, std::string> UnmeasuredWindows(const SessionMeans& means) {
  const std::string windows(WhyNoWindows(means));
  std::map<uint32_t, std::string> reasons;
  // What some windows answered is a measurement; that none was seen to hang would not be one.
  reasons[metric::kUiReply] = means.x_display ? std::string() : windows;
  reasons[metric::kHangSeconds] = windows;
  reasons[event::kHang] = windows;
  reasons[metric::kLaunch] = means.wayland ? std::string(kNoLaunches) : windows;
  return reasons;
}

std::optional<int> LocalDisplay(std::string_view display) {
  if (display.starts_with("unix:")) display.remove_prefix(std::string_view("unix").size());
  if (!display.starts_with(':')) return std::nullopt;
  display.remove_prefix(1);
  const auto number = ParseNumber<int>(display.substr(0, display.find('.')));
  return number && *number >= 0 ? number : std::nullopt;
}

bool HasXClients(std::string_view unix_sockets, int number) {
  const std::string path = Concat(kXSockets, std::to_string(number));
  for (const std::string_view line : Split(unix_sockets, '\n')) {
    if (!line.ends_with(path)) continue;
    const auto columns = Split(line, ' ');
    if (columns.size() <= kPathColumn || columns[kStateColumn] != kConnected) continue;
    const std::string_view socket = columns[kPathColumn];
    if (socket == path || socket == Concat("@", path)) return true;
  }
  return false;
}

}  // namespace candor
