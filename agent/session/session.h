// candor-session: what only a program inside the desktop session can see, handed to the daemon.
//
//   input ─► foreground window ─► a ping a second ─► answers ─► WindowWatch ─┐
//   windows that appear ─► their processes ─► Launches ──────────────────────┴► report ─► daemon
//
// On X11 all of it comes from the X server. On Wayland the windows of X programs are asked in the
// same way, once XWayland runs (it is never started by looking); other windows over AT-SPI, where
// accessibility is on; and whether there is input comes from the compositor. What a desktop does
// not let one measure is told with its reason. README.md says what each desktop offers.
//
// While there is input it wakes once a second; after two seconds without, twice a minute, to say
// that it watches; after five minutes without, only when input comes back. While no daemon listens
// nothing is sampled. A desktop may start it twice, by its service manager and by its autostart
// folder; the second one ends at once. One thread, one io_context.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "agent/session/desktop_facts.h"

namespace candor {

struct SessionOptions {
  std::string agent_socket = "/var/lib/candor-agent/session.sock";
  DesktopEnvironment desktop;
  // XDG_STATE_HOME or its default.
  std::string state_folder;
};

// Runs until SIGTERM, SIGINT, or the end of the display. Unavailable when there is no session to
// look at, AlreadyExists when another one looks at it.
absl::Status RunSession(const SessionOptions& options);

}  // namespace candor
