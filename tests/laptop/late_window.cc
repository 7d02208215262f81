// A program whose window comes after so many milliseconds, and which tells by its own clock how
// long it took from its first instruction until the window was mapped: "mapped after_us=N". Ends
// with its display or by a signal.
//
//   candor_late_window MS
#include <unistd.h>
#include <xcb/xcb.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

namespace {

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
struct Disconnect {
  void operator()(xcb_connection_t* connection) const { xcb_disconnect(connection); }
};

xcb_atom_t AtomOf(xcb_connection_t* connection, const char* name) {
  const std::unique_ptr<xcb_intern_atom_reply_t, Free> reply(xcb_intern_atom_reply(
      connection, xcb_intern_atom(connection, 0, static_cast<uint16_t>(std::strlen(name)), name),
      nullptr));
  return reply == nullptr ? xcb_atom_t{XCB_ATOM_NONE} : reply->atom;
}

xcb_window_t MakeWindow(xcb_connection_t* connection) {
  const xcb_screen_t* screen = xcb_setup_roots_iterator(xcb_get_setup(connection)).data;
  const xcb_window_t window = xcb_generate_id(connection);
  const uint32_t events = XCB_EVENT_MASK_STRUCTURE_NOTIFY;
  xcb_create_window(connection, XCB_COPY_FROM_PARENT, window, screen->root, 0, 0, 200, 100, 0,
                    XCB_WINDOW_CLASS_INPUT_OUTPUT, screen->root_visual, XCB_CW_EVENT_MASK, &events);
  const auto pid = static_cast<uint32_t>(getpid());
  xcb_change_property(connection, XCB_PROP_MODE_REPLACE, window, AtomOf(connection, "_NET_WM_PID"),
                      XCB_ATOM_CARDINAL, 32, 1, &pid);
  return window;
}

}  // namespace

int main(int argc, char** argv) {
  const auto begin = std::chrono::steady_clock::now();
  const int wait_ms = argc == 2 ? std::atoi(argv[1]) : 0;
  const std::unique_ptr<xcb_connection_t, Disconnect> connection(xcb_connect(nullptr, nullptr));
  if (xcb_connection_has_error(connection.get()) != 0) {
    std::fprintf(stderr, "candor_late_window: no display\n");
    return 1;
  }
  const xcb_window_t window = MakeWindow(connection.get());
  std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
  xcb_map_window(connection.get(), window);
  xcb_flush(connection.get());
  while (const std::unique_ptr<xcb_generic_event_t, Free> event{
      xcb_wait_for_event(connection.get())}) {
    if ((event->response_type & 0x7f) != XCB_MAP_NOTIFY) continue;
    const auto after = std::chrono::steady_clock::now() - begin;
    std::printf("mapped after_us=%lld\n",
                static_cast<long long>(
                    std::chrono::duration_cast<std::chrono::microseconds>(after).count()));
    std::fflush(stdout);
  }
  return 0;
}
