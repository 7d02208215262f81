#include "agent/session/x11_display.h"

#include <xcb/res.h>
#include <xcb/sync.h>
#include <xcb/xcb.h>
#include <xcb/xcbext.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace candor {
namespace {

template <typename T>
struct Free {
  void operator()(T* reply) const { std::free(reply); }
};
template <typename T>
using Reply = std::unique_ptr<T, Free<T>>;

constexpr uint32_t kPropertyWordsMax = 4'096;

// The library's own accessor looks two bytes too far, where the structure ends for the compiler.
std::string_view NameOf(const xcb_sync_systemcounter_t& counter) {
  const auto* length = reinterpret_cast<const char*>(&counter.name_len);
  return {length + sizeof(counter.name_len), counter.name_len};
}

class Display final : public X11Display {
 public:
  explicit Display(xcb_connection_t* connection) : connection_(connection) {}
  ~Display() override { xcb_disconnect(connection_); }

  absl::Status Start(int screen_number) {
    const xcb_screen_iterator_t first = xcb_setup_roots_iterator(xcb_get_setup(connection_));
    xcb_screen_iterator_t at = first;
    for (int i = 0; i < screen_number && at.rem > 1; ++i) xcb_screen_next(&at);
    root_ = at.data->root;
    InternAtoms();
    if (absl::Status status = FindIdleCounter(); !status.ok()) return status;
    has_res_ = StartRes();
    LetServerEnd();
    SetRootEvents(XCB_EVENT_MASK_PROPERTY_CHANGE);
    xcb_flush(connection_);
    return absl::OkStatus();
  }

  int descriptor() const override { return xcb_get_file_descriptor(connection_); }

  absl::Status Dispatch(X11Listener& listener) override {
    while (const Reply<xcb_generic_event_t> event{xcb_poll_for_event(connection_)}) {
      Tell(*event, listener);
    }
    if (xcb_connection_has_error(connection_) != 0) {
      return absl::UnavailableError("the connection to the X display is lost");
    }
    xcb_flush(connection_);
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> IdleMs() override {
    const Reply<xcb_sync_query_counter_reply_t> reply{xcb_sync_query_counter_reply(
        connection_, xcb_sync_query_counter(connection_, idle_counter_), nullptr)};
    if (!reply) return absl::UnavailableError("the X display does not tell of input");
    return (int64_t{reply->counter_value.hi} << 32) | reply->counter_value.lo;
  }

  void AwaitInput() override {
    if (alarm_ != 0) xcb_sync_destroy_alarm(connection_, alarm_);
    alarm_ = xcb_generate_id(connection_);
    xcb_sync_create_alarm_value_list_t values{};
    values.counter = idle_counter_;
    values.valueType = XCB_SYNC_VALUETYPE_ABSOLUTE;
    values.value = {0, static_cast<uint32_t>(kAwaitIdleMs)};
    values.testType = XCB_SYNC_TESTTYPE_NEGATIVE_TRANSITION;
    values.delta = {0, 0};
    values.events = 1;
    xcb_sync_create_alarm_aux(connection_, alarm_,
                              XCB_SYNC_CA_COUNTER | XCB_SYNC_CA_VALUE_TYPE | XCB_SYNC_CA_VALUE |
                                  XCB_SYNC_CA_TEST_TYPE | XCB_SYNC_CA_DELTA | XCB_SYNC_CA_EVENTS,
                              &values);
    xcb_flush(connection_);
  }

  std::optional<uint32_t> ActiveWindow() override {
    const std::vector<uint32_t> value = Property(root_, net_active_window_, XCB_ATOM_WINDOW);
    if (value.empty() || value[0] == 0 || value[0] == root_) return std::nullopt;
    return value[0];
  }

  bool TakesPings(uint32_t window) override {
    const std::vector<uint32_t> protocols = Property(window, wm_protocols_, XCB_ATOM_ATOM);
    return std::find(protocols.begin(), protocols.end(), net_wm_ping_) != protocols.end();
  }

  std::optional<pid_t> ProcessOf(uint32_t window) override {
    return has_res_ ? ProcessByConnection(window) : std::nullopt;
  }

  std::vector<uint32_t> Windows() override {
    std::vector<uint32_t> windows = Property(root_, net_client_list_, XCB_ATOM_WINDOW);
    if (windows.size() > kWindowsMax) windows.resize(kWindowsMax);
    return windows;
  }

  void Follow(uint32_t window) override {
    const uint32_t events = XCB_EVENT_MASK_STRUCTURE_NOTIFY;
    xcb_change_window_attributes(connection_, window, XCB_CW_EVENT_MASK, &events);
    xcb_flush(connection_);
  }

  void StopListening() override {
    SetRootEvents(XCB_EVENT_MASK_PROPERTY_CHANGE);
    xcb_flush(connection_);
  }

  // GTK sends its answers to whoever watches the root's children, Qt to whoever watches the root.
  void Ping(uint32_t window, uint32_t token) override {
    SetRootEvents(XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY |
                  XCB_EVENT_MASK_STRUCTURE_NOTIFY);
    xcb_client_message_event_t message{};
    message.response_type = XCB_CLIENT_MESSAGE;
    message.format = 32;
    message.window = window;
    message.type = wm_protocols_;
    message.data.data32[0] = net_wm_ping_;
    message.data.data32[1] = token;
    message.data.data32[2] = window;
    xcb_send_event(connection_, 0, window, XCB_EVENT_MASK_NO_EVENT,
                   reinterpret_cast<const char*>(&message));
    xcb_flush(connection_);
  }

 private:
  xcb_atom_t Atom(xcb_intern_atom_cookie_t cookie) {
    const Reply<xcb_intern_atom_reply_t> reply{xcb_intern_atom_reply(connection_, cookie, nullptr)};
    return reply ? reply->atom : static_cast<xcb_atom_t>(XCB_ATOM_NONE);
  }

  xcb_intern_atom_cookie_t AskAtom(std::string_view name) {
    return xcb_intern_atom(connection_, 0, static_cast<uint16_t>(name.size()), name.data());
  }

  void InternAtoms() {
    const auto active = AskAtom("_NET_ACTIVE_WINDOW");
    const auto clients = AskAtom("_NET_CLIENT_LIST");
    const auto protocols = AskAtom("WM_PROTOCOLS");
    const auto ping = AskAtom("_NET_WM_PING");
    net_active_window_ = Atom(active);
    net_client_list_ = Atom(clients);
    wm_protocols_ = Atom(protocols);
    net_wm_ping_ = Atom(ping);
  }

  absl::Status FindIdleCounter() {
    const auto* extension = xcb_get_extension_data(connection_, &xcb_sync_id);
    if (extension == nullptr || extension->present == 0) {
      return absl::UnimplementedError("the X display has no Sync extension: it tells of no input");
    }
    sync_event_ = extension->first_event;
    const Reply<xcb_sync_initialize_reply_t> version{
        xcb_sync_initialize_reply(connection_, xcb_sync_initialize(connection_, 3, 1), nullptr)};
    const Reply<xcb_sync_list_system_counters_reply_t> counters{xcb_sync_list_system_counters_reply(
        connection_, xcb_sync_list_system_counters(connection_), nullptr)};
    if (!version || !counters) return absl::UnavailableError("the X display does not answer");
    for (auto at = xcb_sync_list_system_counters_counters_iterator(counters.get()); at.rem > 0;
         xcb_sync_systemcounter_next(&at)) {
      if (NameOf(*at.data) == "IDLETIME") idle_counter_ = at.data->counter;
    }
    if (idle_counter_ != 0) return absl::OkStatus();
    return absl::UnimplementedError("the X display has no IDLETIME counter: it tells of no input");
  }

  // A server that ends with its last client, as XWayland may, does not stay for this one: XFixes 6
  // (https://gitlab.freedesktop.org/xorg/proto/xorgproto, fixesproto.txt), which libxcb has known
  // only since 1.15. An older server is asked nothing further.
  void LetServerEnd() {
    constexpr uint32_t kVersion = 6;
    constexpr uint8_t kQueryVersion = 0;
    constexpr uint8_t kSetClientDisconnectMode = 33;
    constexpr uint32_t kTerminate = 1;
    const auto* extension = xcb_get_extension_data(connection_, &xfixes_);
    if (extension == nullptr || extension->present == 0) return;
    const unsigned asked = SendToXFixes<2>(kQueryVersion, {kVersion, 0}, /*answered=*/true);
    const Reply<uint32_t> version{
        static_cast<uint32_t*>(xcb_wait_for_reply(connection_, asked, nullptr))};
    // The answer's head takes two words.
    if (version && version.get()[2] >= kVersion) {
      SendToXFixes<1>(kSetClientDisconnectMode, {kTerminate}, /*answered=*/false);
    }
  }

  template <size_t N>
  unsigned SendToXFixes(uint8_t request, const std::array<uint32_t, N>& words, bool answered) {
    // Of the head the library fills in all but what follows it.
    std::array<uint32_t, N + 1> message{};
    std::copy(words.begin(), words.end(), message.begin() + 1);
    // It writes in front of what it is given.
    std::array<iovec, 3> parts{};
    parts[2] = {message.data(), sizeof(message)};
    const xcb_protocol_request_t kind{1, &xfixes_, request, answered ? uint8_t{0} : uint8_t{1}};
    return xcb_send_request(connection_, 0, &parts[2], &kind);
  }

  bool StartRes() {
    const auto* extension = xcb_get_extension_data(connection_, &xcb_res_id);
    if (extension == nullptr || extension->present == 0) return false;
    const Reply<xcb_res_query_version_reply_t> version{xcb_res_query_version_reply(
        connection_, xcb_res_query_version(connection_, 1, 2), nullptr)};
    return version && (version->server_major > 1 || version->server_minor >= 2);
  }

  std::optional<pid_t> ProcessByConnection(uint32_t window) {
    const xcb_res_client_id_spec_t spec{window, XCB_RES_CLIENT_ID_MASK_LOCAL_CLIENT_PID};
    const Reply<xcb_res_query_client_ids_reply_t> reply{xcb_res_query_client_ids_reply(
        connection_, xcb_res_query_client_ids(connection_, 1, &spec), nullptr)};
    if (!reply) return std::nullopt;
    for (auto at = xcb_res_query_client_ids_ids_iterator(reply.get()); at.rem > 0;
         xcb_res_client_id_value_next(&at)) {
      const bool pid = (at.data->spec.mask & XCB_RES_CLIENT_ID_MASK_LOCAL_CLIENT_PID) != 0;
      if (pid && xcb_res_client_id_value_value_length(at.data) > 0) {
        return static_cast<pid_t>(*xcb_res_client_id_value_value(at.data));
      }
    }
    return std::nullopt;
  }

  // A list of 32-bit values; empty where the window has no such property, or is gone.
  std::vector<uint32_t> Property(uint32_t window, xcb_atom_t name, xcb_atom_t type) {
    const Reply<xcb_get_property_reply_t> reply{xcb_get_property_reply(
        connection_, xcb_get_property(connection_, 0, window, name, type, 0, kPropertyWordsMax),
        nullptr)};
    if (!reply || reply->format != 32) return {};
    const auto bytes = static_cast<size_t>(xcb_get_property_value_length(reply.get()));
    std::vector<uint32_t> values(bytes / sizeof(uint32_t));
    if (!values.empty()) {
      std::memcpy(values.data(), xcb_get_property_value(reply.get()),
                  values.size() * sizeof(uint32_t));
    }
    return values;
  }

  void SetRootEvents(uint32_t events) {
    if (events == root_events_) return;
    root_events_ = events;
    xcb_change_window_attributes(connection_, root_, XCB_CW_EVENT_MASK, &events);
  }

  void Tell(const xcb_generic_event_t& event, X11Listener& listener) {
    const uint8_t type = event.response_type & 0x7f;
    if (type == sync_event_ + XCB_SYNC_ALARM_NOTIFY) {
      const auto& alarm = reinterpret_cast<const xcb_sync_alarm_notify_event_t&>(event);
      if (alarm.alarm == alarm_ && alarm.state != XCB_SYNC_ALARMSTATE_DESTROYED) listener.OnInput();
    } else if (type == XCB_PROPERTY_NOTIFY) {
      TellProperty(reinterpret_cast<const xcb_property_notify_event_t&>(event), listener);
    } else if (type == XCB_CLIENT_MESSAGE) {
      TellMessage(reinterpret_cast<const xcb_client_message_event_t&>(event), listener);
    } else if (type == XCB_DESTROY_NOTIFY) {
      const auto& gone = reinterpret_cast<const xcb_destroy_notify_event_t&>(event);
      // Of a window that is followed; that of the root's children tells the same twice.
      if (gone.event == gone.window) listener.OnGone(gone.window);
    }
  }

  void TellProperty(const xcb_property_notify_event_t& event, X11Listener& listener) {
    if (event.window != root_) return;
    if (event.atom == net_active_window_) listener.OnForegroundChanged();
    if (event.atom == net_client_list_) listener.OnWindowsChanged();
  }

  void TellMessage(const xcb_client_message_event_t& event, X11Listener& listener) {
    const bool answer = event.window == root_ && event.type == wm_protocols_ &&
                        event.format == 32 && event.data.data32[0] == net_wm_ping_;
    if (!answer) return;
    listener.OnAnswer(event.data.data32[2], event.data.data32[1]);
  }

  xcb_connection_t* const connection_;
  xcb_extension_t xfixes_ = {"XFIXES", 0};
  xcb_window_t root_ = 0;
  uint32_t root_events_ = 0;
  uint8_t sync_event_ = 0;
  xcb_sync_counter_t idle_counter_ = 0;
  xcb_sync_alarm_t alarm_ = 0;
  bool has_res_ = false;
  xcb_atom_t net_active_window_ = 0;
  xcb_atom_t net_client_list_ = 0;
  xcb_atom_t wm_protocols_ = 0;
  xcb_atom_t net_wm_ping_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<X11Display>> X11Display::Open() {
  int screen = 0;
  xcb_connection_t* connection = xcb_connect(nullptr, &screen);
  auto display = std::make_unique<Display>(connection);
  if (xcb_connection_has_error(connection) != 0) {
    return absl::UnavailableError("there is no X display");
  }
  if (absl::Status status = display->Start(screen); !status.ok()) return status;
  return display;
}

}  // namespace candor
