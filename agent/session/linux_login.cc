#include <systemd/sd-bus.h>
#include <unistd.h>

#include <memory>

#include "agent/samplers/support/text.h"
#include "agent/session/login.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr char kLogind[] = "org.freedesktop.login1";
constexpr char kSessionInterface[] = "org.freedesktop.login1.Session";
constexpr char kSystemd[] = "org.freedesktop.systemd1";
constexpr char kDesktopTarget[] = "/org/freedesktop/systemd1/unit/graphical_2dsession_2etarget";
constexpr char kUnitInterface[] = "org.freedesktop.systemd1.Unit";
constexpr uint64_t kAnswerUsMax = 2'000'000;

struct BusClose {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, BusClose>;

absl::StatusOr<Bus> OpenBus(int (*open)(sd_bus**), std::string_view name) {
  sd_bus* raw = nullptr;
  const int r = open(&raw);
  if (r < 0) return absl::UnavailableError(ErrnoStatus(-r, name).message());
  sd_bus_set_method_call_timeout(raw, kAnswerUsMax);
  return Bus(raw);
}

absl::StatusOr<std::string> TextProperty(sd_bus* bus, const char* path, const char* name) {
  char* raw = nullptr;
  const int r =
      sd_bus_get_property_string(bus, kLogind, path, kSessionInterface, name, nullptr, &raw);
  if (r < 0) return ErrnoStatus(-r, Concat("logind: ", name));
  std::string text(raw);
  std::free(raw);
  return text;
}

absl::StatusOr<int64_t> TimeProperty(sd_bus* bus, const char* service, const char* path,
                                     const char* interface, const char* name) {
  uint64_t us = 0;
  const int r = sd_bus_get_property_trivial(bus, service, path, interface, name, nullptr, 't', &us);
  if (r < 0) return ErrnoStatus(-r, Concat(service, ": ", name));
  return static_cast<int64_t>(us);
}

// Id and object of the session that this user sees: a service of the user's own belongs to none.
absl::Status FindSession(sd_bus* bus, std::string& id, std::string& path) {
  const std::string user = Concat("/org/freedesktop/login1/user/_", std::to_string(::getuid()));
  sd_bus_error error{};
  sd_bus_message* raw = nullptr;
  int r = sd_bus_get_property(bus, kLogind, user.c_str(), "org.freedesktop.login1.User", "Display",
                              &error, &raw, "(so)");
  const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> reply(
      raw, sd_bus_message_unref);
  const std::string why = error.message == nullptr ? "" : error.message;
  sd_bus_error_free(&error);
  if (r < 0) return absl::UnavailableError(Concat("logind: ", why));
  const char* session = nullptr;
  const char* object = nullptr;
  r = sd_bus_message_read(raw, "(so)", &session, &object);
  if (r < 0) return ErrnoStatus(-r, "logind: Display");
  if (*session == '\0') return absl::NotFoundError("logind knows no session of this person's");
  id = session;
  path = object;
  return absl::OkStatus();
}

std::optional<int64_t> DesktopReachedUs() {
  const absl::StatusOr<Bus> bus = OpenBus(sd_bus_open_user, "the user's bus");
  if (!bus.ok()) return std::nullopt;
  const auto reached_us = TimeProperty(bus->get(), kSystemd, kDesktopTarget, kUnitInterface,
                                       "ActiveEnterTimestampMonotonic");
  if (!reached_us.ok() || *reached_us == 0) return std::nullopt;
  return *reached_us;
}

}  // namespace

absl::StatusOr<Login> ReadLogin() {
  CANDOR_ASSIGN_OR_RETURN(const Bus bus, OpenBus(sd_bus_open_system, "the system's bus"));
  Login login;
  std::string path;
  CANDOR_RETURN_IF_ERROR(FindSession(bus.get(), login.session, path));
  CANDOR_ASSIGN_OR_RETURN(const std::string kind, TextProperty(bus.get(), path.c_str(), "Class"));
  login.of_a_person = kind == "user";
  CANDOR_ASSIGN_OR_RETURN(login.login_us, TimeProperty(bus.get(), kLogind, path.c_str(),
                                                       kSessionInterface, "TimestampMonotonic"));
  login.desktop_us = DesktopReachedUs();
  return login;
}

}  // namespace candor
