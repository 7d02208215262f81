#include "agent/samplers/support/linux_bus.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <ctime>

#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr const char* kProperties = "org.freedesktop.DBus.Properties";

// sd-bus counts its own time-outs on CLOCK_MONOTONIC in microseconds.
int64_t MonotonicUs() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1'000;
}

absl::Status Lost(int error, std::string_view what) {
  return absl::UnavailableError(ErrnoStatus(error, what).message());
}

absl::Status CallError(const BusCall& call, const sd_bus_error& error) {
  const std::string text = Concat(call.service, " ", call.member, ": ",
                                  error.message != nullptr ? error.message : error.name);
  const std::string_view name = error.name;
  if (name == SD_BUS_ERROR_SERVICE_UNKNOWN || name == SD_BUS_ERROR_UNKNOWN_OBJECT ||
      name == SD_BUS_ERROR_NAME_HAS_NO_OWNER || name == SD_BUS_ERROR_UNKNOWN_METHOD ||
      name == SD_BUS_ERROR_UNKNOWN_PROPERTY || name == SD_BUS_ERROR_UNKNOWN_INTERFACE ||
      name.ends_with(".NoSuchUnit") || name.ends_with(".NoSuchSession")) {
    return absl::NotFoundError(text);
  }
  if (name == SD_BUS_ERROR_ACCESS_DENIED) return absl::PermissionDeniedError(text);
  if (name == SD_BUS_ERROR_NO_REPLY || name == SD_BUS_ERROR_TIMEOUT) {
    return absl::UnavailableError(text);
  }
  return absl::InternalError(text);
}

// One call in flight; the slot's end withdraws the callback.
struct Flight {
  BusCall* call = nullptr;
  size_t* pending = nullptr;
  sd_bus_slot* slot = nullptr;

  Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() { sd_bus_slot_unref(slot); }
};

int OnReply(sd_bus_message* message, void* userdata, sd_bus_error* /*error*/) {
  Flight& flight = *static_cast<Flight*>(userdata);
  if (const sd_bus_error* error = sd_bus_message_get_error(message); error != nullptr) {
    flight.call->reply = CallError(*flight.call, *error);
  } else {
    flight.call->reply = BusMessage(sd_bus_message_ref(message));
  }
  --*flight.pending;
  return 0;
}

int Append(sd_bus_message* message, const BusCall& call) {
  int r = 0;
  for (const auto& argument : call.arguments) {
    if (const auto* text = std::get_if<std::string>(&argument)) {
      r = sd_bus_message_append(message, "s", text->c_str());
    } else if (std::holds_alternative<BusOptions>(argument)) {
      r = sd_bus_message_append(message, "a{sv}", 0);
    } else {
      r = sd_bus_message_open_container(message, 'a', "s");
      for (const std::string& item : std::get<std::vector<std::string>>(argument)) {
        if (r >= 0) r = sd_bus_message_append(message, "s", item.c_str());
      }
      if (r >= 0) r = sd_bus_message_close_container(message);
    }
    if (r < 0) return r;
  }
  return r;
}

absl::Status Start(sd_bus* bus, BusCall& call, int time_limit_ms, size_t& pending, Flight& flight) {
  sd_bus_message* raw = nullptr;
  int r = sd_bus_message_new_method_call(bus, &raw, call.service.c_str(), call.path.c_str(),
                                         call.interface.c_str(), call.member.c_str());
  const BusMessage message(raw);
  if (r >= 0 && !call.start_service) r = sd_bus_message_set_auto_start(raw, 0);
  if (r >= 0) r = Append(raw, call);
  flight.call = &call;
  flight.pending = &pending;
  if (r >= 0) {
    r = sd_bus_call_async(bus, &flight.slot, raw, OnReply, &flight,
                          static_cast<uint64_t>(time_limit_ms) * 1000);
  }
  if (r < 0) {
    call.reply = ErrnoStatus(-r, Concat("calling ", call.service, " ", call.member));
    return call.reply.status();
  }
  ++pending;
  return absl::OkStatus();
}

}  // namespace

struct LinuxBus::State {
  State(boost::asio::io_context& io, sd_bus* connection)
      : bus(connection), descriptor(io), timer(io) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { sd_bus_close_unref(bus); }

  sd_bus* bus;
  // A duplicate of the connection's descriptor, so that each side closes its own.
  boost::asio::posix::stream_descriptor descriptor;
  boost::asio::steady_timer timer;
};

BusCall GetProperty(std::string service, std::string path, std::string interface,
                    std::string name) {
  BusCall call;
  call.service = std::move(service);
  call.path = std::move(path);
  call.interface = kProperties;
  call.member = "Get";
  call.arguments.emplace_back(std::move(interface));
  call.arguments.emplace_back(std::move(name));
  return call;
}

BusCall GetAllProperties(std::string service, std::string path, std::string interface) {
  BusCall call;
  call.service = std::move(service);
  call.path = std::move(path);
  call.interface = kProperties;
  call.member = "GetAll";
  call.arguments.emplace_back(std::move(interface));
  return call;
}

LinuxBus::LinuxBus(std::shared_ptr<State> state, int time_limit_ms)
    : state_(std::move(state)), time_limit_ms_(time_limit_ms) {}
LinuxBus::~LinuxBus() = default;

absl::StatusOr<std::unique_ptr<LinuxBus>> LinuxBus::Open(boost::asio::io_context& io,
                                                         const std::string& socket_path,
                                                         int time_limit_ms) {
  sd_bus* bus = nullptr;
  int r = sd_bus_new(&bus);
  if (r >= 0) r = sd_bus_set_address(bus, Concat("unix:path=", socket_path).c_str());
  if (r >= 0) r = sd_bus_set_bus_client(bus, 1);
  if (r >= 0) r = sd_bus_start(bus);
  if (r < 0) {
    sd_bus_unref(bus);
    return Lost(-r, Concat("connecting to the bus at ", socket_path));
  }
  auto state = std::make_shared<State>(io, bus);
  const int fd = fcntl(sd_bus_get_fd(bus), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return ErrnoStatus(errno, "duplicating the bus descriptor");
  boost::system::error_code error;
  state->descriptor.assign(fd, error);
  if (error) {
    close(fd);
    return absl::UnavailableError(Concat("watching the bus: ", error.message()));
  }
  return std::unique_ptr<LinuxBus>(new LinuxBus(std::move(state), time_limit_ms));
}

boost::asio::awaitable<absl::Status> LinuxBus::Run(std::span<BusCall> calls) {
  const int64_t deadline_us = MonotonicUs() + int64_t{time_limit_ms_} * 1000;
  for (size_t first = 0; first < calls.size(); first += kInFlightMax) {
    const size_t count = std::min(kInFlightMax, calls.size() - first);
    absl::Status status = co_await RunSome(calls.subspan(first, count), deadline_us);
    if (!status.ok()) co_return status;
  }
  co_return absl::OkStatus();
}

boost::asio::awaitable<absl::Status> LinuxBus::RunSome(std::span<BusCall> calls,
                                                       int64_t deadline_us) {
  size_t pending = 0;
  std::vector<Flight> flights(calls.size());
  for (size_t i = 0; i < calls.size(); ++i) {
    absl::Status started = Start(state_->bus, calls[i], time_limit_ms_, pending, flights[i]);
    if (!started.ok()) co_return started;
  }
  // What is pending is counted down in the bus's callbacks. NOLINTNEXTLINE(bugprone-infinite-loop)
  while (pending > 0) {
    const int r = sd_bus_process(state_->bus, nullptr);
    if (r < 0) co_return Lost(-r, "the bus");
    if (r > 0) continue;
    if (MonotonicUs() >= deadline_us) {
      co_return absl::UnavailableError(Concat("no answer from ", calls.front().service, " within ",
                                              std::to_string(time_limit_ms_), " ms"));
    }
    co_await WaitForBus(deadline_us);
  }
  co_return absl::OkStatus();
}

boost::asio::awaitable<void> LinuxBus::WaitForBus(int64_t deadline_us) {
  // The bus's own deadline, where it has one, comes first.
  uint64_t bus_deadline_us = UINT64_MAX;
  sd_bus_get_timeout(state_->bus, &bus_deadline_us);
  const int64_t until_us =
      static_cast<int64_t>(std::min<uint64_t>(bus_deadline_us, static_cast<uint64_t>(deadline_us)));
  const bool wants_write = (sd_bus_get_events(state_->bus) & POLLOUT) != 0;

  state_->timer.expires_after(
      std::chrono::microseconds(std::max<int64_t>(until_us - MonotonicUs(), 0)));
  // The handler may run after this bus is gone, hence the shared state; a late cancel only costs
  // one more round of the caller's loop.
  state_->timer.async_wait([state = state_](const boost::system::error_code& error) {
    boost::system::error_code ignored;
    if (!error) state->descriptor.cancel(ignored);
  });
  boost::system::error_code error;
  co_await state_->descriptor.async_wait(
      wants_write ? boost::asio::posix::descriptor_base::wait_write
                  : boost::asio::posix::descriptor_base::wait_read,
      boost::asio::redirect_error(boost::asio::use_awaitable, error));
  state_->timer.cancel();
}

absl::StatusOr<std::string> ReadBusString(sd_bus_message* message) {
  const char* text = nullptr;
  const int r = sd_bus_message_read(message, "s", &text);
  if (r < 0) return ErrnoStatus(-r, "reading a string from the bus");
  return std::string(text);
}

absl::StatusOr<uint64_t> ReadUint64Property(const BusCall& call) {
  if (!call.reply.ok()) return call.reply.status();
  uint64_t value = 0;
  sd_bus_message_rewind(call.reply->get(), 1);
  const int r = sd_bus_message_read(call.reply->get(), "v", "t", &value);
  if (r < 0) return ErrnoStatus(-r, Concat("reading a number from ", call.service));
  return value;
}

absl::StatusOr<std::string> ReadStringProperty(const BusCall& call) {
  if (!call.reply.ok()) return call.reply.status();
  const char* text = nullptr;
  sd_bus_message_rewind(call.reply->get(), 1);
  const int r = sd_bus_message_read(call.reply->get(), "v", "s", &text);
  if (r < 0) return ErrnoStatus(-r, Concat("reading text from ", call.service));
  return std::string(text);
}

}  // namespace candor
