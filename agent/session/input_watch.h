// Whether there is input on a Wayland desktop, to whatever window: only its compositor knows, and
// two kinds of compositor tell. Both tell of the end of input, kIdleMs after the last one, and of
// the first one after that; in between they are not asked. Which keys, which pointer: never. One
// thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/samplers/support/bus_loop.h"

namespace candor {

class InputWatch {
 public:
  static constexpr int64_t kIdleMs = 2'000;

  struct Told {
    // Once: whether this compositor tells at all.
    std::function<void(bool)> able = {};
    // Input paused (true: the last one is kIdleMs old) or came back.
    std::function<void(bool)> idle = {};
    // The compositor is gone, and with it the session.
    std::function<void()> end = {};
  };

  virtual ~InputWatch() = default;

  // By the protocol ext-idle-notify-v1 (KWin since 5.27, sway since 1.9, Hyprland, niri, COSMIC),
  // or the older org_kde_kwin_idle with the same two messages. Watched from the compositor's own
  // socket, whose end is the end of the session. Unavailable where nobody listens at `path`.
  static absl::StatusOr<std::unique_ptr<InputWatch>> OpenWayland(boost::asio::io_context& io,
                                                                 const std::string& path,
                                                                 Told told);

  // By org.gnome.Mutter.IdleMonitor on the session's bus (GNOME, Budgie, Pantheon). `end` is not
  // told. `session` must outlive the object.
  static std::unique_ptr<InputWatch> OpenMutter(BusLoop& session, Told told);
};

}  // namespace candor
