// A TCP socket to a named host, without blocking calls: every wait has a deadline on the steady
// clock. For connections made by hand, with TLS (connection.h) or without
// (agent/uplink/plain_connection.h).
//
// Errors: Unavailable (name not found, refused, unreachable), DeadlineExceeded. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

class TcpSocket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Tries the name's addresses in the resolver's order.
  static absl::StatusOr<TcpSocket> Connect(const std::string& host, uint16_t port,
                                           TimePoint deadline);

  TcpSocket(TcpSocket&& other) noexcept;
  TcpSocket& operator=(TcpSocket&& other) noexcept;
  ~TcpSocket();

  int fd() const { return fd_; }
  // Waits until it is ready for `events`, as poll() names them; `doing` goes in front of an error.
  absl::Status Await(short events, TimePoint deadline, std::string_view doing) const;

 private:
  explicit TcpSocket(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace candor
