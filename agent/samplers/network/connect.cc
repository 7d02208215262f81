#include "agent/samplers/network/connect.h"

#include <algorithm>
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

ConnectOutcome::Failure KindOf(const boost::system::error_code& ec) {
  using Failure = ConnectOutcome::Failure;
  if (ec == asio::error::connection_refused || ec == asio::error::connection_reset) {
    return Failure::kRefused;
  }
  const bool no_route = ec == asio::error::network_unreachable ||
                        ec == asio::error::address_family_not_supported ||
                        ec == boost::system::errc::address_not_available;
  return no_route ? Failure::kNoRoute : Failure::kNoAnswer;
}

asio::awaitable<ConnectOutcome> ConnectOnce(asio::io_context& io, tcp::endpoint endpoint,
                                            int64_t limit_ms) {
  ConnectOutcome outcome;
  // Shared with the timer's handler, which may run after this coroutine has ended.
  const auto socket = std::make_shared<tcp::socket>(io);
  boost::system::error_code ec;
  socket->open(endpoint.protocol(), ec);
  if (ec) {
    outcome.failure = "no socket: " + ec.message();
    outcome.kind = KindOf(ec);
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
    outcome.kind = too_late ? ConnectOutcome::Failure::kNoAnswer : KindOf(ec);
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

asio::awaitable<ServiceConnect> TimeConnect(asio::io_context& io, std::vector<address> addresses,
                                            uint16_t port, int64_t limit_ms) {
  ServiceConnect result;
  if (addresses.empty()) {
    result.service.failure = "no address";
    result.service.kind = ConnectOutcome::Failure::kNoAnswer;
    co_return result;
  }
  const address first = addresses.front();
  const auto second = std::find_if(addresses.begin(), addresses.end(), [&](const address& other) {
    return other.is_v6() != first.is_v6();
  });
  const bool both = second != addresses.end();
  const int64_t first_limit_ms = both ? limit_ms * 3 / 5 : limit_ms;
  result.address = first;
  result.service = co_await ConnectOnce(io, tcp::endpoint(first, port), first_limit_ms);
  if (!both) co_return result;
  (first.is_v6() ? result.ipv6 : result.ipv4) = result.service;
  const ConnectOutcome other =
      co_await ConnectOnce(io, tcp::endpoint(*second, port), limit_ms - first_limit_ms);
  (first.is_v6() ? result.ipv4 : result.ipv6) = other;
  if (!result.service.connected) {
    result.service = other;
    result.address = *second;
  }
  co_return result;
}

}  // namespace candor
