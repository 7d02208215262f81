#include <fcntl.h>
#include <poll.h>
#include <systemd/sd-bus.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "agent/samplers/network/sleep_signals.h"
#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr char kLogind[] = "org.freedesktop.login1";
constexpr char kManagerPath[] = "/org/freedesktop/login1";
constexpr char kManagerInterface[] = "org.freedesktop.login1.Manager";

struct BusDrop {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};

}  // namespace

struct SleepSignals::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& io, Listener listener)
      : descriptor_(io), listener_(std::move(listener)) {}

  absl::Status Connect(const std::string& socket) {
    sd_bus* raw = nullptr;
    int r = sd_bus_new(&raw);
    bus_.reset(raw);
    if (r >= 0) r = sd_bus_set_address(raw, Concat("unix:path=", socket).c_str());
    if (r >= 0) r = sd_bus_set_bus_client(raw, 1);
    if (r >= 0) r = sd_bus_start(raw);
    if (r >= 0) {
      r = sd_bus_match_signal_async(raw, nullptr, kLogind, kManagerPath, kManagerInterface,
                                    "PrepareForSleep", OnSignal, nullptr, this);
    }
    if (r < 0) return Unavailable(-r, socket);
    const int fd = fcntl(sd_bus_get_fd(raw), F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return Unavailable(errno, socket);
    boost::system::error_code error;
    descriptor_.assign(fd, error);
    return error ? absl::UnavailableError(error.message()) : absl::OkStatus();
  }

  bool alive() const { return bus_ != nullptr; }

  // What has come, and what has to go, until there is nothing more; then waits for more.
  void Process() {
    int r = 1;
    while (bus_ != nullptr && r > 0) r = sd_bus_process(bus_.get(), nullptr);
    if (r < 0) return Lose();
    const bool to_write = (sd_bus_get_events(bus_.get()) & POLLOUT) != 0;
    const auto kind = to_write ? boost::asio::posix::descriptor_base::wait_write
                               : boost::asio::posix::descriptor_base::wait_read;
    descriptor_.async_wait(kind, [weak = weak_from_this()](boost::system::error_code error) {
      const auto self = weak.lock();
      if (!error && self != nullptr) self->Process();
    });
  }

  static absl::Status Unavailable(int error, const std::string& socket) {
    return absl::UnavailableError(
        ErrnoStatus(error, Concat("connecting to the bus at ", socket)).message());
  }

  static int OnSignal(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    int to_sleep = 0;
    if (sd_bus_message_read(message, "b", &to_sleep) >= 0) {
      static_cast<State*>(self)->listener_(to_sleep != 0);
    }
    return 0;
  }

  void Lose() {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    bus_.reset();
  }

  // A duplicate of the connection's descriptor, so that each side closes its own.
  boost::asio::posix::stream_descriptor descriptor_;
  std::unique_ptr<sd_bus, BusDrop> bus_;
  Listener listener_;
};

SleepSignals::SleepSignals(std::shared_ptr<State> state) : state_(std::move(state)) {}
SleepSignals::~SleepSignals() = default;
bool SleepSignals::alive() const { return state_->alive(); }

absl::StatusOr<std::unique_ptr<SleepSignals>> SleepSignals::Open(boost::asio::io_context& io,
                                                                 const std::string& socket_path,
                                                                 Listener listener) {
  auto state = std::make_shared<State>(io, std::move(listener));
  CANDOR_RETURN_IF_ERROR(state->Connect(socket_path));
  state->Process();
  return std::unique_ptr<SleepSignals>(new SleepSignals(std::move(state)));
}

}  // namespace candor
