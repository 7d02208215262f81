#include "agent/samplers/usage/linux_sessions.h"

#include <signal.h>
#include <utmpx.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/files.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr const char* kService = "org.freedesktop.login1";
constexpr const char* kSession = "org.freedesktop.login1.Session";
constexpr size_t kUtmpBytesMax = 1 << 20;

BusCall ListSessions() {
  BusCall call;
  call.service = kService;
  call.path = "/org/freedesktop/login1";
  call.interface = "org.freedesktop.login1.Manager";
  call.member = "ListSessions";
  return call;
}

absl::StatusOr<std::vector<BusCall>> SessionCalls(const BusCall& list) {
  if (!list.reply.ok()) return list.reply.status();
  sd_bus_message* message = list.reply->get();
  int r = sd_bus_message_enter_container(message, 'a', "(susso)");
  std::vector<BusCall> calls;
  while (r >= 0 && calls.size() < kSessionsMax) {
    const char* path = nullptr;
    // Id, user and seat are of no interest here.
    r = sd_bus_message_read(message, "(susso)", nullptr, nullptr, nullptr, nullptr, &path);
    if (r <= 0) break;
    calls.push_back(GetAllProperties(kService, path, kSession));
  }
  if (r < 0) return ErrnoStatus(-r, "reading logind's list of sessions");
  return calls;
}

// The few of a session's properties that matter.
struct Properties {
  std::string session_class;
  std::string type;
  std::string state;
  SessionState session;
};

int ReadBool(sd_bus_message* message, bool& out) {
  int value = 0;
  const int r = sd_bus_message_read(message, "v", "b", &value);
  out = value != 0;
  return r;
}

int ReadText(sd_bus_message* message, std::string& out) {
  const char* value = nullptr;
  const int r = sd_bus_message_read(message, "v", "s", &value);
  if (r > 0) out = value;
  return r;
}

int ReadProperty(sd_bus_message* message, std::string_view name, Properties& to) {
  if (name == "Class") return ReadText(message, to.session_class);
  if (name == "Type") return ReadText(message, to.type);
  if (name == "State") return ReadText(message, to.state);
  if (name == "IdleHint") return ReadBool(message, to.session.idle);
  if (name == "LockedHint") return ReadBool(message, to.session.locked);
  if (name == "IdleSinceHint") {
    uint64_t value = 0;
    const int r = sd_bus_message_read(message, "v", "t", &value);
    to.session.idle_since_us = static_cast<int64_t>(value);
    return r;
  }
  return sd_bus_message_skip(message, "v");
}

absl::StatusOr<SessionState> SessionFrom(const BusCall& call) {
  if (!call.reply.ok()) return call.reply.status();
  sd_bus_message* message = call.reply->get();
  Properties properties;
  int r = sd_bus_message_enter_container(message, 'a', "{sv}");
  while (r >= 0) {
    r = sd_bus_message_enter_container(message, 'e', "sv");
    if (r <= 0) break;
    const char* name = nullptr;
    r = sd_bus_message_read(message, "s", &name);
    if (r > 0) r = ReadProperty(message, name, properties);
    if (r >= 0) r = sd_bus_message_exit_container(message);
  }
  if (r < 0) return ErrnoStatus(-r, "reading a session from logind");
  properties.session.kind =
      SessionKind(properties.session_class, properties.type, properties.state);
  properties.session.in_front = properties.state == "active";
  return properties.session;
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<std::vector<SessionState>>> ReadSessions(LinuxBus& bus) {
  std::vector<BusCall> list;
  list.push_back(ListSessions());
  absl::Status status = co_await bus.Run(list);
  if (!status.ok()) co_return status;
  absl::StatusOr<std::vector<BusCall>> calls = SessionCalls(list[0]);
  if (!calls.ok()) co_return calls.status();
  status = co_await bus.Run(*calls);
  if (!status.ok()) co_return status;
  std::vector<SessionState> sessions;
  for (const BusCall& call : *calls) {
    // A session that ended between the two calls is no error.
    absl::StatusOr<SessionState> session = SessionFrom(call);
    if (session.ok()) sessions.push_back(*session);
  }
  co_return sessions;
}

int CountLogins(const std::string& utmp_path) {
  const absl::StatusOr<std::string> bytes = ReadFile(utmp_path, kUtmpBytesMax);
  if (!bytes.ok()) return 0;
  int logins = 0;
  for (size_t at = 0; at + sizeof(utmpx) <= bytes->size(); at += sizeof(utmpx)) {
    utmpx record;
    std::memcpy(&record, bytes->data() + at, sizeof record);
    if (record.ut_type != USER_PROCESS || record.ut_pid <= 0) continue;
    const bool lives = kill(record.ut_pid, 0) == 0 || errno == EPERM;
    if (lives) ++logins;
  }
  return logins;
}

}  // namespace candor
