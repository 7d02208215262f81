#include "agent/uplink/plain_connection.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "common/status.h"
#include "common/tls/connection.h"

namespace candor {
namespace {

using Steady = std::chrono::steady_clock;

// Linux takes a socket's limit for sending as that of its connect too.
void Limit(int fd, int64_t timeout_ms) {
  const int64_t ms = std::max<int64_t>(timeout_ms, 1);
  timeval limit{};
  limit.tv_sec = ms / 1000;
  limit.tv_usec = ms % 1000 * 1000;
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

absl::Status Failed(int error, const std::string& where) {
  if (error == EAGAIN || error == EINPROGRESS || error == ETIMEDOUT) {
    return absl::DeadlineExceededError(where + ": no answer in time");
  }
  return absl::UnavailableError(ErrnoStatus(error, where).message());
}

}  // namespace

absl::StatusOr<PlainConnection> PlainConnection::Connect(const std::string& host, uint16_t port,
                                                         int64_t timeout_ms) {
  const std::string where = HostPort{host, port}.Text();
  const auto deadline = Steady::now() + std::chrono::milliseconds(timeout_ms);
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      error != 0) {
    return absl::UnavailableError(where + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  absl::Status last = absl::UnavailableError(where + ": the name has no address");
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
    if (left.count() <= 0) return Failed(ETIMEDOUT, where);
    const int fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      last = Failed(errno, where);
      continue;
    }
    PlainConnection connection(fd, where);
    Limit(fd, left.count());
    if (::connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
      Limit(fd, timeout_ms);
      return connection;
    }
    last = Failed(errno, where);
  }
  return last;
}

PlainConnection::PlainConnection(PlainConnection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      where_(std::move(other.where_)),
      bytes_sent_(other.bytes_sent_),
      bytes_received_(other.bytes_received_) {}

PlainConnection::~PlainConnection() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status PlainConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return Failed(errno, where_);
    bytes_sent_ += static_cast<uint64_t>(sent);
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PlainConnection::Receive(size_t size_max) {
  std::string bytes(size_max, '\0');
  while (true) {
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(errno, where_);
    if (got == 0) return absl::UnavailableError(where_ + ": closed without an answer");
    bytes_received_ += static_cast<uint64_t>(got);
    bytes.resize(static_cast<size_t>(got));
    return bytes;
  }
}

}  // namespace candor
