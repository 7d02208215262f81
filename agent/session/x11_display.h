// The X display of a session, as far as Candor looks at it: which window is in the foreground,
// whether it takes part in _NET_WM_PING (EWMH), whether there is input (the IDLETIME counter of the
// Sync extension), which process a window belongs to. Titles, contents, keys and the pointer are
// never asked for.
//
// Works beside any window manager: answers to pings go to the root window, where everybody may see
// them, and those of somebody else's pings are nothing to it. On Wayland the same holds for the
// windows of XWayland and their input, and nothing else.
//
// Calls that ask the server something wait for its answer. One thread. Errors: Unavailable when
// there is no display or the connection is lost, Unimplemented when the server lacks what is
// needed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

class X11Listener {
 public:
  virtual ~X11Listener() = default;
  // There is input again, after AwaitInput.
  virtual void OnInput() = 0;
  virtual void OnForegroundChanged() = 0;
  // Windows came or went.
  virtual void OnWindowsChanged() = 0;
  virtual void OnAnswer(uint32_t window, uint32_t token) = 0;
  // A window given to Follow is gone.
  virtual void OnGone(uint32_t window) = 0;
};

class X11Display {
 public:
  static constexpr size_t kWindowsMax = 1'024;

  // $DISPLAY with the person's own authority.
  static absl::StatusOr<std::unique_ptr<X11Display>> Open();
  virtual ~X11Display() = default;

  // Readable when the server sent something. Owned by the display.
  virtual int descriptor() const = 0;
  // Tells `listener` everything that has come; also to be called after other calls, for what came
  // with their answers.
  virtual absl::Status Dispatch(X11Listener& listener) = 0;

  // How long ago the last input was.
  virtual absl::StatusOr<int64_t> IdleMs() = 0;
  // Asks for OnInput at the next input; there must have been none for at least kAwaitIdleMs.
  virtual void AwaitInput() = 0;
  static constexpr int64_t kAwaitIdleMs = 1'000;

  // The window that the window manager calls active; none where no window is, or on Wayland one
  // that is not X's.
  virtual std::optional<uint32_t> ActiveWindow() = 0;
  virtual bool TakesPings(uint32_t window) = 0;
  // The process on this machine that made the window.
  virtual std::optional<pid_t> ProcessOf(uint32_t window) = 0;
  // The windows that the window manager manages, at most kWindowsMax.
  virtual std::vector<uint32_t> Windows() = 0;

  // OnGone is told of this window.
  virtual void Follow(uint32_t window) = 0;
  // Sends a ping and listens for answers until StopListening: they come with every other change of
  // the screen's windows.
  virtual void Ping(uint32_t window, uint32_t token) = 0;
  virtual void StopListening() = 0;
};

}  // namespace candor
