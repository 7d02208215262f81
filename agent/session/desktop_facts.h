// What kind of desktop a session is, by its environment, and what of it can be measured; what
// cannot gets one stable reason each. README.md in this folder says why. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace candor {

// As a session's environment has them; empty where it has none.
struct DesktopEnvironment {
  std::string display = {};          // DISPLAY
  std::string wayland_display = {};  // WAYLAND_DISPLAY
  std::string session_type = {};     // XDG_SESSION_TYPE
  std::string desktop = {};          // XDG_CURRENT_DESKTOP: "ubuntu:GNOME"
  std::string runtime_folder = {};   // XDG_RUNTIME_DIR
};

// A desktop's own word goes first: an X session may hold a nested compositor.
bool IsWayland(const DesktopEnvironment& environment);

// Where its compositor listens; empty where that cannot be known.
std::string WaylandSocket(const DesktopEnvironment& environment);

// What is at hand in a session now.
struct SessionMeans {
  bool wayland = false;
  bool x_display = false;      // an X server, or XWayland where it runs
  bool tells_input = false;    // the compositor tells of input to its own windows
  bool session_bus = false;    // the session's D-Bus is reached
  bool accessibility = false;  // applications can be asked over AT-SPI
};

// By metric or event kind: why it cannot be measured now; an empty reason where it is.
std::map<uint32_t, std::string> UnmeasuredWindows(const SessionMeans& means);

// The number of a display of this machine (":1", ":1.0", "unix:1"); nothing for another machine's.
std::optional<int> LocalDisplay(std::string_view display);

// Whether somebody is connected to the X server of display `number`, by /proc/net/unix. A Wayland
// compositor listens there itself and starts XWayland only with the first one who connects.
bool HasXClients(std::string_view unix_sockets, int number);

}  // namespace candor
