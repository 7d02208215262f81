#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "agent/samplers/network/ping.h"
#include "common/status.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using asio::ip::address;
using std::chrono::steady_clock;

// An echo request's header is the same eight bytes in both versions; the kernel fills in checksum
// and identifier of datagram sockets and hands back only answers to our own.
constexpr size_t kPacketBytes = 16;

std::array<uint8_t, kPacketBytes> EchoRequest(bool v6) {
  std::array<uint8_t, kPacketBytes> packet{};
  packet[0] = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
  packet[7] = 1;  // sequence number
  return packet;
}

int ConnectTo(int fd, const address& to) {
  if (to.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(to.to_v4().to_uint());
    return connect(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  const auto bytes = to.to_v6().to_bytes();
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  v6.sin6_scope_id = static_cast<uint32_t>(to.to_v6().scope_id());
  return connect(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

PingOutcome Failure(int error) {
  PingOutcome outcome;
  outcome.not_allowed =
      error == EACCES || error == EPERM || error == EPROTONOSUPPORT || error == EAFNOSUPPORT;
  outcome.failure = outcome.not_allowed
                        ? "the system does not allow unprivileged ICMP to the agent "
                          "(net.ipv4.ping_group_range)"
                        : std::strerror(error);
  return outcome;
}

}  // namespace

asio::awaitable<PingOutcome> Ping(asio::io_context& io, address to, int64_t limit_ms) {
  const bool v6 = to.is_v6();
  const int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                        v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP});
  if (fd < 0) co_return Failure(errno);
  // Shared with the timer's handler, which may run after this coroutine has ended. Owns the socket.
  const auto socket = std::make_shared<asio::posix::stream_descriptor>(io, fd);
  if (ConnectTo(fd, to) != 0) co_return Failure(errno);
  const auto packet = EchoRequest(v6);
  const auto start = steady_clock::now();
  if (send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) co_return Failure(errno);
  asio::steady_timer limit(io, std::chrono::milliseconds(limit_ms));
  limit.async_wait([socket](const boost::system::error_code& cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) socket->cancel(ignored);
  });
  boost::system::error_code ec;
  co_await socket->async_wait(asio::posix::descriptor_base::wait_read,
                              asio::redirect_error(asio::use_awaitable, ec));
  const auto elapsed = steady_clock::now() - start;
  limit.cancel();
  PingOutcome outcome;
  std::array<uint8_t, 64> reply{};
  const ssize_t got = ec ? -1 : recv(fd, reply.data(), reply.size(), MSG_DONTWAIT);
  if (got >= 8 && reply[0] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY)) {
    outcome.rtt_us = std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count();
  } else {
    outcome.failure = "no answer in " + std::to_string(limit_ms) + " ms";
  }
  co_return outcome;
}

}  // namespace candor
