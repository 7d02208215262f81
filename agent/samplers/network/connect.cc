#include "agent/samplers/network/connect.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>

namespace candor {
namespace {

namespace asio = boost::asio;
using asio::ip::address;
using asio::ip::tcp;
using std::chrono::steady_clock;

asio::awaitable<ConnectOutcome> ConnectOnce(asio::io_context& io, tcp::endpoint endpoint,
                                            int64_t limit_ms) {
  ConnectOutcome outcome;
  // Shared with the timer's handler, which may run after this coroutine has ended.
  const auto socket = std::make_shared<tcp::socket>(io);
  boost::system::error_code ec;
  socket->open(endpoint.protocol(), ec);
  if (ec) {
    outcome.failure = "no socket: " + ec.message();
    co_return outcome;
  }
  asio::steady_timer limit(io, std::chrono::milliseconds(limit_ms));
  limit.async_wait([socket](const boost::system::error_code& cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) socket->close(ignored);
  });
  const auto start = steady_clock::now();
  co_await socket->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, ec));
  const auto elapsed = steady_clock::now() - start;
  limit.cancel();
  if (ec || !socket->is_open()) {
    const bool too_late = !socket->is_open();
    outcome.failure = too_late ? "no answer in " + std::to_string(limit_ms) + " ms" : ec.message();
    co_return outcome;
  }
  outcome.connected = true;
  outcome.rtt_us =
      HandshakeRttUs(socket->native_handle())
          .value_or(std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count());
  const tcp::endpoint own = socket->local_endpoint(ec);
  outcome.on_this_machine =
      endpoint.address().is_loopback() || (!ec && own.address() == endpoint.address());
  socket->close(ec);
  co_return outcome;
}

}  // namespace

asio::awaitable<ConnectOutcome> TimeConnect(asio::io_context& io, std::vector<address> addresses,
                                            uint16_t port, int64_t limit_ms) {
  ConnectOutcome outcome;
  if (addresses.empty()) {
    outcome.failure = "no address";
    co_return outcome;
  }
  const address first = addresses.front();
  const address* second = nullptr;
  for (const address& other : addresses) {
    if (other.is_v6() != first.is_v6()) {
      second = &other;
      break;
    }
  }
  const int64_t first_limit_ms = second == nullptr ? limit_ms : limit_ms * 3 / 5;
  outcome = co_await ConnectOnce(io, tcp::endpoint(first, port), first_limit_ms);
  if (outcome.connected || second == nullptr) co_return outcome;
  co_return co_await ConnectOnce(io, tcp::endpoint(*second, port), limit_ms - first_limit_ms);
}

}  // namespace candor
