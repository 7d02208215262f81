#include "agent/uplink/plain_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/status.h"
#include "common/tls/connection.h"

namespace candor {
namespace {

using Steady = std::chrono::steady_clock;

bool TryAgain(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

absl::StatusOr<PlainConnection> PlainConnection::Connect(const std::string& host, uint16_t port,
                                                         int64_t timeout_ms) {
  const auto deadline = Steady::now() + std::chrono::milliseconds(timeout_ms);
  CANDOR_ASSIGN_OR_RETURN(TcpSocket socket, TcpSocket::Connect(host, port, deadline));
  return PlainConnection(std::move(socket), HostPort{host, port}.Text(), timeout_ms);
}

Steady::time_point PlainConnection::Deadline() const { return Steady::now() + timeout_; }

absl::Status PlainConnection::Send(std::string_view bytes) {
  const auto deadline = Deadline();
  while (!bytes.empty()) {
    CANDOR_RETURN_IF_ERROR(socket_.Await(POLLOUT, deadline, where_));
    const ssize_t sent = send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && TryAgain(errno)) continue;
    if (sent < 0) return absl::UnavailableError(ErrnoStatus(errno, where_).message());
    bytes_sent_ += static_cast<uint64_t>(sent);
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> PlainConnection::Receive(size_t size_max) {
  const auto deadline = Deadline();
  std::string bytes(size_max, '\0');
  while (true) {
    CANDOR_RETURN_IF_ERROR(socket_.Await(POLLIN, deadline, where_));
    const ssize_t got = recv(socket_.fd(), bytes.data(), bytes.size(), 0);
    if (got < 0 && TryAgain(errno)) continue;
    if (got < 0) return absl::UnavailableError(ErrnoStatus(errno, where_).message());
    if (got == 0) return absl::UnavailableError(where_ + ": closed without an answer");
    bytes_received_ += static_cast<uint64_t>(got);
    bytes.resize(static_cast<size_t>(got));
    return bytes;
  }
}

}  // namespace candor
