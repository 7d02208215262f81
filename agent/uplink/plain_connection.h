// One TCP connection without TLS, for a service that its operator configured so. Blocking, with a
// time-out over all of the connecting and one for each later call. Errors: Unavailable (name not
// found, refused, unreachable, closed), DeadlineExceeded. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/tls/socket.h"

namespace candor {

class PlainConnection {
 public:
  // Tries the name's addresses in the resolver's order.
  static absl::StatusOr<PlainConnection> Connect(const std::string& host, uint16_t port,
                                                 int64_t timeout_ms);
  absl::Status Send(std::string_view bytes);
  // At least one byte, at most `size_max`.
  absl::StatusOr<std::string> Receive(size_t size_max);

  // Payload so far.
  uint64_t bytes_sent() const { return bytes_sent_; }
  uint64_t bytes_received() const { return bytes_received_; }

 private:
  PlainConnection(TcpSocket socket, std::string where, int64_t timeout_ms)
      : socket_(std::move(socket)), where_(std::move(where)), timeout_(timeout_ms) {}
  std::chrono::steady_clock::time_point Deadline() const;

  TcpSocket socket_;
  std::string where_;
  std::chrono::milliseconds timeout_;
  uint64_t bytes_sent_ = 0;
  uint64_t bytes_received_ = 0;
};

}  // namespace candor
