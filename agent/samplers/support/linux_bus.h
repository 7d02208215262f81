// Method calls over the system bus (sd-bus) that do not block the daemon's thread.
//
// A LinuxBus is one connection, used by one coroutine at a time. Between calls it costs no wakeups:
// it subscribes to no signals. Several calls given together travel together and are answered in one
// or two wakeups. Every Run ends within its time limit, whatever the other side does.
//
// Errors: Unavailable (no bus, connection lost, no answer in time), or for a single call the
// bus error's name and message as Internal, NotFound where the service or object does not exist.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <systemd/sd-bus.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/samplers/support/bus_message.h"

namespace candor {

// An empty a{sv}: the options that many services ask for and nobody needs.
struct BusOptions {};

// One call and, after Run, its answer.
struct BusCall {
  std::string service;
  std::string path;
  std::string interface;
  std::string member;
  // Strings (s), lists of strings (as) and no options (a{sv}), in order.
  std::vector<std::variant<std::string, std::vector<std::string>, BusOptions>> arguments;
  // False: a service that does not run is not found, where the bus could start it.
  bool start_service = true;

  absl::StatusOr<BusMessage> reply = absl::UnavailableError("not called");
};

// org.freedesktop.DBus.Properties.Get and GetAll.
BusCall GetProperty(std::string service, std::string path, std::string interface, std::string name);
BusCall GetAllProperties(std::string service, std::string path, std::string interface);

class LinuxBus {
 public:
  static constexpr int kTimeLimitMs = 5'000;
  // Calls in flight at once, so that the other side's queue never fills.
  static constexpr size_t kInFlightMax = 64;

  // Connects to the bus that listens on the Unix socket `socket_path`; the handshake happens in the
  // first Run.
  static absl::StatusOr<std::unique_ptr<LinuxBus>> Open(boost::asio::io_context& io,
                                                        const std::string& socket_path,
                                                        int time_limit_ms = kTimeLimitMs);
  ~LinuxBus();
  LinuxBus(const LinuxBus&) = delete;
  LinuxBus& operator=(const LinuxBus&) = delete;

  // Makes all calls; each one's `reply` says how it went. An error means the connection is of no
  // more use.
  boost::asio::awaitable<absl::Status> Run(std::span<BusCall> calls);

 private:
  struct State;
  LinuxBus(std::shared_ptr<State> state, int time_limit_ms);

  boost::asio::awaitable<absl::Status> RunSome(std::span<BusCall> calls, int64_t deadline_us);
  boost::asio::awaitable<void> WaitForBus(int64_t deadline_us);

  std::shared_ptr<State> state_;
  int time_limit_ms_;
};

// Readers of a reply's content; an error names what was expected.
absl::StatusOr<std::string> ReadBusString(sd_bus_message* message);
// The content of a Properties.Get answer.
absl::StatusOr<uint64_t> ReadUint64Property(const BusCall& call);
absl::StatusOr<std::string> ReadStringProperty(const BusCall& call);

}  // namespace candor
