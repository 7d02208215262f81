// The applications of a session that take part in AT-SPI, the desktop's accessibility protocol:
// which of them is in front, and whether it answers. They answer on the thread that also draws
// their windows, so that one that stands still does not answer.
//
// Only where accessibility is on already (org.a11y.Status: IsEnabled or ScreenReaderEnabled);
// nothing here switches it on, starts a service for it or subscribes to what applications tell, for
// which each of them would have to work. The one question asked is for a window's states, a set of
// bits: the answer also tells whether the window is still in front. Names, titles, texts and
// contents are never asked for.
//
// Where the window in front is not known, all applications are asked: at once when the known one
// says it is not in front any more, each second while it does not answer, else after one second,
// two, four, and then every eight, and only while somebody calls Look. The compositor's own windows
// (GNOME Shell's) are left out. An application that does not answer counts as in front until
// another one says that it is: it cannot tell itself, and a window that takes no part may be in
// front instead.
//
// Bounded: kApplicationsMax applications, kWindowsMax windows of each. At most one question is open
// to one application. One thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "agent/samplers/support/bus_loop.h"

namespace candor {

struct AccessibleApplication {
  uint32_t id = 0;  // kFirstId and above: never the number of a window of X's
  pid_t pid = 0;
};

class AccessibleListener {
 public:
  virtual ~AccessibleListener() = default;
  // Applications can be asked now, or cannot any more.
  virtual void OnAccessibility(bool on) = 0;
  // Another application is in front, or none that takes part.
  virtual void OnAccessibleFront(std::optional<AccessibleApplication> application) = 0;
  virtual void OnAccessibleAnswer(uint32_t id, uint32_t token) = 0;
  virtual void OnAccessibleGone(uint32_t id) = 0;
};

class Accessibility {
 public:
  static constexpr size_t kApplicationsMax = 64;
  static constexpr size_t kWindowsMax = 16;
  static constexpr uint32_t kFirstId = 0x8000'0000;  // X gives 29 bits

  // Both must outlive the object. The listener is told from the io_context alone.
  static std::unique_ptr<Accessibility> Start(boost::asio::io_context& io, BusLoop& session,
                                              AccessibleListener& listener);
  virtual ~Accessibility() = default;

  virtual bool on() const = 0;
  // Once a second while somebody works and no other window is known to be in front.
  virtual void Look(int64_t now_us) = 0;
  // Its answer comes as OnAccessibleAnswer, however late. Where it still owes one, that one is it.
  virtual void Ask(uint32_t id, uint32_t token) = 0;
};

}  // namespace candor
