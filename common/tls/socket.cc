#include "common/tls/socket.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "common/status.h"
#include "common/tls/connection.h"

namespace candor {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::Status Unavailable(int error, const std::string& where) {
  return absl::UnavailableError(ErrnoStatus(error, where).message());
}

absl::StatusOr<Addresses> LookUp(const std::string& host, uint16_t port, const std::string& where) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return absl::UnavailableError(where + ": " + gai_strerror(error));
  return Addresses(found, freeaddrinfo);
}

absl::Status ConnectTo(const TcpSocket& socket, const addrinfo& address,
                       TcpSocket::TimePoint deadline, const std::string& where) {
  if (connect(socket.fd(), address.ai_addr, address.ai_addrlen) == 0) return absl::OkStatus();
  if (errno != EINPROGRESS) return Unavailable(errno, where);
  CANDOR_RETURN_IF_ERROR(socket.Await(POLLOUT, deadline, where));
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? absl::OkStatus() : Unavailable(error, where);
}

}  // namespace

absl::StatusOr<TcpSocket> TcpSocket::Connect(const std::string& host, uint16_t port,
                                             TimePoint deadline) {
  const std::string where = HostPort{host, port}.Text();
  CANDOR_ASSIGN_OR_RETURN(const Addresses addresses, LookUp(host, port, where));
  absl::Status last = absl::UnavailableError(where + ": the name has no address");
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    TcpSocket made(socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (made.fd() < 0) {
      last = Unavailable(errno, where);
      continue;
    }
    last = ConnectTo(made, *address, deadline, where);
    if (last.ok()) return made;
  }
  return last;
}

TcpSocket::TcpSocket(TcpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

TcpSocket& TcpSocket::operator=(TcpSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

TcpSocket::~TcpSocket() {
  if (fd_ >= 0) close(fd_);
}

absl::Status TcpSocket::Await(short events, TimePoint deadline, std::string_view doing) const {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry = {fd_, events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready > 0) return absl::OkStatus();
    if (ready == 0) return absl::DeadlineExceededError(std::string(doing) + ": no answer in time");
    if (errno != EINTR) return ErrnoStatus(errno, doing);
  }
}

}  // namespace candor
