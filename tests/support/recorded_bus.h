// A bus of the test's own: a real dbus-daemon on a socket in a folder, and a service on it that
// answers with recorded properties and replies, in a thread of its own.
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace candor::testing {

// Throws std::runtime_error when there is no dbus-daemon or it does not start.
class BusDaemon {
 public:
  // Listens on `run_folder`/dbus/system_bus_socket; starts services described in
  // `run_folder`/dbus/services.
  explicit BusDaemon(const std::string& run_folder);
  ~BusDaemon();
  BusDaemon(const BusDaemon&) = delete;
  BusDaemon& operator=(const BusDaemon&) = delete;

  const std::string& socket() const { return socket_; }
  // Ends it now, as a bus that goes away.
  void Stop();

 private:
  std::string socket_;
  pid_t pid_ = -1;
};

// Somebody on the bus who says that the machine goes to sleep and wakes up: logind, where it has
// that name. Throws std::runtime_error when the bus does not let it.
class SleepAnnouncer {
 public:
  explicit SleepAnnouncer(const BusDaemon& daemon, const char* name = "org.freedesktop.login1");
  ~SleepAnnouncer();
  SleepAnnouncer(const SleepAnnouncer&) = delete;
  SleepAnnouncer& operator=(const SleepAnnouncer&) = delete;

  void PrepareForSleep(bool to_sleep);

 private:
  sd_bus* bus_ = nullptr;
};

class RecordedService {
 public:
  struct Path {
    std::string object;
  };
  using Value = std::variant<uint64_t, std::string, bool, Path>;
  // Appends the answer to `reply`; negative errno for an error.
  using Answer = std::function<int(sd_bus_message* reply)>;

  // Owns `name` on the bus from the end of the constructor.
  RecordedService(const BusDaemon& daemon, const std::string& name);
  ~RecordedService();
  RecordedService(const RecordedService&) = delete;
  RecordedService& operator=(const RecordedService&) = delete;

  // Any thread, also while questions come.
  void SetProperty(const std::string& path, const std::string& name, Value value);
  void SetMethod(const std::string& path, const std::string& member, Answer answer);
  // Answers this call with an error.
  void SetFailure(const std::string& path, const std::string& member, const std::string& error,
                  const std::string& message);
  // Questions are read and never answered.
  void FallSilent() { silent_ = true; }
  int questions() const { return questions_; }
  // What was called, in order.
  std::vector<std::string> members() const;
  // Of what types the arguments were, in order.
  std::vector<std::string> signatures() const;

 private:
  static int OnMessage(sd_bus_message* message, void* self, sd_bus_error* error);
  int Handle(sd_bus_message* message);
  int AppendProperty(sd_bus_message* reply, const Value& value);
  void Serve();

  sd_bus* bus_ = nullptr;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Value> properties_;
  std::map<std::pair<std::string, std::string>, Answer> methods_;
  std::map<std::pair<std::string, std::string>, std::pair<std::string, std::string>> failures_;
  std::vector<std::string> members_;
  std::vector<std::string> signatures_;
  std::atomic<bool> silent_{false};
  std::atomic<bool> stop_{false};
  std::atomic<int> questions_{0};
  std::thread thread_;
};

}  // namespace candor::testing
