#include "agent/session/desktop_facts.h"

#include "common/registry.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("a session is Wayland's by its type, or by its display where it has no type") {
  CHECK(IsWayland({.session_type = "wayland"}));
  CHECK(IsWayland({.wayland_display = "wayland-1"}));
  CHECK(IsWayland({.display = ":0", .wayland_display = "wayland-0", .session_type = "wayland"}));
  CHECK_FALSE(IsWayland({.display = ":0"}));
  CHECK_FALSE(IsWayland({.display = ":0", .session_type = "x11"}));
  CHECK_FALSE(IsWayland({.display = ":0", .wayland_display = "nested-1", .session_type = "x11"}));
}

TEST_CASE("a compositor listens in the session's folder, or where its display says") {
  CHECK(WaylandSocket({.wayland_display = "wayland-1", .runtime_folder = "/run/user/7"}) ==
        "/run/user/7/wayland-1");
  CHECK(WaylandSocket({.runtime_folder = "/run/user/7"}) == "/run/user/7/wayland-0");
  CHECK(WaylandSocket({.wayland_display = "/elsewhere/socket"}) == "/elsewhere/socket");
  CHECK(WaylandSocket({.wayland_display = "wayland-1"}).empty());
}

constexpr std::initializer_list<uint32_t> kAll = {metric::kUiReply, metric::kHangSeconds,
                                                  event::kHang, metric::kLaunch};

TEST_CASE("on X all is measured, and nothing without a display") {
  for (const uint32_t what : kAll) {
    CHECK(UnmeasuredWindows({.x_display = true}).at(what).empty());
    CHECK(UnmeasuredWindows({}).at(what) == "no X display is reached");
  }
}

TEST_CASE("on Wayland hangs are measured only with a bus, accessibility and input, in that order") {
  SessionMeans means{.wayland = true};
  const auto hangs = [&] { return UnmeasuredWindows(means).at(event::kHang); };
  CHECK(hangs().starts_with("Wayland without a session bus"));
  means.session_bus = true;
  CHECK(hangs().starts_with("Wayland with accessibility off"));
  means.accessibility = true;
  CHECK(hangs().starts_with("Wayland without word of input"));
  means.tells_input = true;
  CHECK(hangs().empty());
  CHECK(UnmeasuredWindows(means).at(metric::kHangSeconds).empty());
  CHECK(UnmeasuredWindows(means).at(metric::kUiReply).empty());
  means.accessibility = false;
  means.x_display = true;
  CHECK_FALSE(hangs().empty());
  CHECK(UnmeasuredWindows(means).at(metric::kUiReply).empty());
}

TEST_CASE("on Wayland launches are those of X programs alone, whatever else is there") {
  const auto launches = [](const SessionMeans& means) {
    return UnmeasuredWindows(means).at(metric::kLaunch);
  };
  CHECK(launches({.wayland = true}).starts_with("Wayland tells of no launches"));
  CHECK(launches({true, true, true, true, true}) == launches({.wayland = true}));
}

TEST_CASE("reasons fit into a line of candor-agent status") {
  for (int bits = 0; bits < 32; ++bits) {
    const auto reasons = UnmeasuredWindows(
        {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0});
    for (const auto& [what, reason] : reasons) CHECK(reason.size() <= 60);
  }
}

TEST_CASE("displays of this machine have a number, those of others none") {
  CHECK(LocalDisplay(":0") == 0);
  CHECK(LocalDisplay(":12.1") == 12);
  CHECK(LocalDisplay("unix:3") == 3);
  for (const char* other : {"", ":", "host:0", ":-1", ":x", "unix", "0"}) {
    CAPTURE(other);
    CHECK_FALSE(LocalDisplay(other));
  }
}

TEST_CASE("an X server has clients where somebody is connected to its own socket") {
  const std::string head = "Num       RefCount Protocol Flags    Type St Inode Path\n";
  const std::string listens =
      "0000000000000000: 00000002 00000000 00010000 0001 01 25817 @/tmp/.X11-unix/X1\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 25818 /tmp/.X11-unix/X1\n";
  const std::string connected =
      "0000000000000000: 00000003 00000000 00000000 0001 03 30001 @/tmp/.X11-unix/X1\n";
  CHECK_FALSE(HasXClients("", 1));
  CHECK_FALSE(HasXClients(head + listens, 1));
  CHECK(HasXClients(head + listens + connected, 1));
  CHECK_FALSE(HasXClients(head + listens + connected, 11));
  CHECK_FALSE(HasXClients(head + listens + connected, 0));
  CHECK(HasXClients("0: 3 0 0 0001 03 5 /tmp/.X11-unix/X11", 11));
  CHECK_FALSE(HasXClients("0: 3 0 0 0001 03 5 /tmp/.X11-unix/X11", 1));
  CHECK_FALSE(HasXClients("0: 3 0 0 0001 03 5 /home/x/tmp/.X11-unix/X1", 1));
  CHECK_FALSE(HasXClients("03 /tmp/.X11-unix/X1", 1));
}

}  // namespace
}  // namespace candor
