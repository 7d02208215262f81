#include "tests/support/recorded_bus.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace candor::testing {
namespace {

void Check(int r, const std::string& what) {
  if (r < 0) throw std::runtime_error(what + ": " + std::strerror(-r));
}

// The file alone says nothing: it is there before anybody listens.
bool Listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool listens =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return listens;
}

std::string WriteConfig(const std::string& folder, const std::string& socket) {
  const std::string path = folder + "/bus.conf";
  std::ofstream(path) << "<busconfig><type>session</type><listen>unix:path=" << socket
                      << "</listen><servicedir>" << folder << "/services</servicedir>"
                      << "<auth>EXTERNAL</auth><policy context=\"default\">"
                         "<allow send_destination=\"*\" eavesdrop=\"true\"/>"
                         "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";
  return path;
}

sd_bus* ConnectTo(const BusDaemon& daemon) {
  sd_bus* bus = nullptr;
  Check(sd_bus_new(&bus), "sd_bus_new");
  Check(sd_bus_set_address(bus, ("unix:path=" + daemon.socket()).c_str()), "address");
  Check(sd_bus_set_bus_client(bus, 1), "client");
  Check(sd_bus_start(bus), "connecting");
  return bus;
}

}  // namespace

BusDaemon::BusDaemon(const std::string& run_folder) {
  const std::string folder = run_folder + "/dbus";
  std::filesystem::create_directories(folder);
  socket_ = folder + "/system_bus_socket";
  std::string config = "--config-file=" + WriteConfig(folder, socket_);
  std::string name = "dbus-daemon";
  std::string no_fork = "--nofork";
  std::string no_pid = "--nopidfile";
  char* argv[] = {name.data(), config.data(), no_fork.data(), no_pid.data(), nullptr};
  Check(-posix_spawnp(&pid_, name.c_str(), nullptr, nullptr, argv, environ), "dbus-daemon");
  for (int i = 0; i < 4'000; ++i) {
    if (Listens(socket_)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  Stop();
  throw std::runtime_error("dbus-daemon does not listen");
}

BusDaemon::~BusDaemon() { Stop(); }

void BusDaemon::Stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

SleepAnnouncer::SleepAnnouncer(const BusDaemon& daemon, const char* name)
    : bus_(ConnectTo(daemon)) {
  Check(sd_bus_request_name(bus_, name, 0), std::string("owning ") + name);
}

SleepAnnouncer::~SleepAnnouncer() { sd_bus_flush_close_unref(bus_); }

void SleepAnnouncer::PrepareForSleep(bool to_sleep) {
  Check(sd_bus_emit_signal(bus_, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                           "PrepareForSleep", "b", to_sleep ? 1 : 0),
        "PrepareForSleep");
  Check(sd_bus_flush(bus_), "PrepareForSleep");
}

RecordedService::RecordedService(const BusDaemon& daemon, const std::string& name)
    : bus_(ConnectTo(daemon)) {
  Check(sd_bus_add_filter(bus_, nullptr, OnMessage, this), "filter");
  Check(sd_bus_request_name(bus_, name.c_str(), 0), "owning " + name);
  thread_ = std::thread([this] { Serve(); });
}

RecordedService::~RecordedService() {
  stop_ = true;
  thread_.join();
  sd_bus_close_unref(bus_);
}

void RecordedService::SetProperty(const std::string& path, const std::string& name, Value value) {
  const std::lock_guard lock(mutex_);
  properties_[{path, name}] = std::move(value);
}

void RecordedService::SetMethod(const std::string& path, const std::string& member, Answer answer) {
  const std::lock_guard lock(mutex_);
  methods_[{path, member}] = std::move(answer);
}

void RecordedService::SetFailure(const std::string& path, const std::string& member,
                                 const std::string& error, const std::string& message) {
  const std::lock_guard lock(mutex_);
  failures_[{path, member}] = {error, message};
}

std::vector<std::string> RecordedService::members() const {
  const std::lock_guard lock(mutex_);
  return members_;
}

std::vector<std::string> RecordedService::signatures() const {
  const std::lock_guard lock(mutex_);
  return signatures_;
}

int RecordedService::OnMessage(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
  uint8_t type = 0;
  sd_bus_message_get_type(message, &type);
  if (type != SD_BUS_MESSAGE_METHOD_CALL) return 0;
  auto& service = *static_cast<RecordedService*>(self);
  ++service.questions_;
  if (service.silent_) return 1;
  const int r = service.Handle(message);
  if (r < 0) sd_bus_reply_method_errno(message, r, nullptr);
  return 1;
}

int RecordedService::Handle(sd_bus_message* message) {
  const std::lock_guard lock(mutex_);
  const std::string path = sd_bus_message_get_path(message);
  const std::string member = sd_bus_message_get_member(message);
  members_.push_back(member);
  const char* signature = sd_bus_message_get_signature(message, 1);
  signatures_.emplace_back(signature == nullptr ? "" : signature);
  if (const auto at = failures_.find({path, member}); at != failures_.end()) {
    const sd_bus_error failure = {at->second.first.c_str(), at->second.second.c_str(), 0};
    return sd_bus_reply_method_error(message, &failure);
  }
  sd_bus_message* reply = nullptr;
  int r = sd_bus_message_new_method_return(message, &reply);
  if (r < 0) return r;
  if (member == "Get" || member == "GetAll") {
    const char* interface = nullptr;
    const char* name = nullptr;
    if (member == "Get") {
      r = sd_bus_message_read(message, "ss", &interface, &name);
      const auto at = properties_.find({path, r < 0 ? "" : name});
      r = at == properties_.end() ? -ENOENT : AppendProperty(reply, at->second);
    } else {
      r = sd_bus_message_open_container(reply, 'a', "{sv}");
      for (const auto& [key, value] : properties_) {
        if (key.first != path) continue;
        sd_bus_message_open_container(reply, 'e', "sv");
        sd_bus_message_append(reply, "s", key.second.c_str());
        AppendProperty(reply, value);
        sd_bus_message_close_container(reply);
      }
      if (r >= 0) r = sd_bus_message_close_container(reply);
    }
  } else {
    const auto at = methods_.find({path, member});
    r = at == methods_.end() ? -ENOENT : at->second(reply);
  }
  if (r >= 0) r = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return r;
}

int RecordedService::AppendProperty(sd_bus_message* reply, const Value& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) {
    return sd_bus_message_append(reply, "v", "t", *number);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sd_bus_message_append(reply, "v", "s", text->c_str());
  }
  if (const auto* path = std::get_if<Path>(&value)) {
    return sd_bus_message_append(reply, "v", "o", path->object.c_str());
  }
  return sd_bus_message_append(reply, "v", "b", std::get<bool>(value) ? 1 : 0);
}

void RecordedService::Serve() {
  while (!stop_) {
    const int r = sd_bus_process(bus_, nullptr);
    if (r < 0) return;
    if (r == 0) sd_bus_wait(bus_, 20'000);
  }
}

}  // namespace candor::testing
