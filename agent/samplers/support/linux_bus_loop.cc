#include <fcntl.h>
#include <poll.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "agent/samplers/support/bus_loop.h"
#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr std::string_view kSocket = "unix:path=";

struct ConnectionDrop {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
using Connection = std::unique_ptr<sd_bus, ConnectionDrop>;

absl::Status NotReached(int error, std::string_view what) {
  return absl::UnavailableError(ErrnoStatus(error, what).message());
}

}  // namespace

struct BusLoop::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& io, Connection bus, std::function<void()> lost)
      : connection(std::move(bus)), descriptor(io), on_lost(std::move(lost)) {}

  void Process() {
    int r = 1;
    // Whoever is called back may end this connection.
    const auto self = shared_from_this();
    while (connection != nullptr && r > 0) r = sd_bus_process(connection.get(), nullptr);
    if (connection == nullptr) return;
    if (r < 0) return Lose();
    Await();
  }

  void Await() {
    const bool to_write = (sd_bus_get_events(connection.get()) & POLLOUT) != 0;
    if (awaits && to_write == awaits_write) return;
    boost::system::error_code ignored;
    descriptor.cancel(ignored);
    awaits = true;
    awaits_write = to_write;
    const auto kind = to_write ? boost::asio::posix::descriptor_base::wait_write
                               : boost::asio::posix::descriptor_base::wait_read;
    descriptor.async_wait(kind, [weak = weak_from_this()](boost::system::error_code error) {
      const auto state = weak.lock();
      if (error || state == nullptr) return;
      state->awaits = false;
      state->Process();
    });
  }

  void Lose() {
    boost::system::error_code ignored;
    descriptor.close(ignored);
    connection.reset();
    if (const auto lost = std::exchange(on_lost, nullptr)) lost();
  }

  Connection connection;
  // A duplicate of the connection's descriptor, so that each side closes its own.
  boost::asio::posix::stream_descriptor descriptor;
  std::function<void()> on_lost;
  bool awaits = false;
  bool awaits_write = false;
};

BusLoop::BusLoop(std::shared_ptr<State> state) : state_(std::move(state)) {}

BusLoop::~BusLoop() {
  state_->on_lost = nullptr;
  boost::system::error_code ignored;
  state_->descriptor.close(ignored);
  state_->connection.reset();
}

sd_bus* BusLoop::bus() const { return state_->connection.get(); }
void BusLoop::Process() { state_->Process(); }

absl::StatusOr<std::unique_ptr<BusLoop>> BusLoop::Serve(boost::asio::io_context& io, sd_bus* bus,
                                                        std::function<void()> on_lost) {
  Connection connection(bus);
  const int fd = ::fcntl(sd_bus_get_fd(bus), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) return NotReached(errno, "watching the session's bus");
  auto state = std::make_shared<State>(io, std::move(connection), std::move(on_lost));
  boost::system::error_code error;
  state->descriptor.assign(fd, error);
  if (error) return absl::UnavailableError(error.message());
  boost::asio::post(io, [weak = std::weak_ptr<State>(state)] {
    if (const auto started = weak.lock()) started->Process();
  });
  return std::unique_ptr<BusLoop>(new BusLoop(std::move(state)));
}

absl::StatusOr<std::unique_ptr<BusLoop>> BusLoop::OpenSession(boost::asio::io_context& io,
                                                              std::function<void()> on_lost) {
  sd_bus* raw = nullptr;
  const int r = sd_bus_open_user(&raw);
  if (r < 0) return NotReached(-r, "the session's bus");
  return Serve(io, raw, std::move(on_lost));
}

absl::StatusOr<std::unique_ptr<BusLoop>> BusLoop::OpenAddress(boost::asio::io_context& io,
                                                              const std::string& address,
                                                              std::function<void()> on_lost) {
  sd_bus* raw = nullptr;
  int r = sd_bus_new(&raw);
  Connection connection(raw);
  if (r >= 0) r = sd_bus_set_address(raw, address.c_str());
  if (r >= 0) r = sd_bus_set_bus_client(raw, 1);
  if (r >= 0) r = sd_bus_start(raw);
  if (r < 0) {
    std::string_view where = address;
    if (where.starts_with(kSocket)) where.remove_prefix(kSocket.size());
    return NotReached(-r, Concat("connecting to the bus at ", where));
  }
  return Serve(io, connection.release(), std::move(on_lost));
}

BusSlot BusLoop::Call(const char* service, const char* path, const char* interface,
                      const char* member, uint64_t timeout_us, sd_bus_message_handler_t then,
                      void* self) {
  if (bus() == nullptr) return nullptr;
  sd_bus_message* raw = nullptr;
  const int r = sd_bus_message_new_method_call(bus(), &raw, service, path, interface, member);
  const BusMessage message(raw);
  return r < 0 ? nullptr : Send(raw, timeout_us, then, self);
}

BusSlot BusLoop::Send(sd_bus_message* message, uint64_t timeout_us, sd_bus_message_handler_t then,
                      void* self) {
  if (bus() == nullptr || sd_bus_message_set_auto_start(message, 0) < 0) return nullptr;
  sd_bus_slot* slot = nullptr;
  const int r = sd_bus_call_async(bus(), &slot, message, then, self, timeout_us);
  if (r < 0) return nullptr;
  state_->Await();
  return BusSlot(slot);
}

}  // namespace candor
