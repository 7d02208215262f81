// Reads the kernel's statistics of this machine's TCP connections over an unprivileged netlink
// socket (sock_diag(7), inet_diag). Connections on loopback or of the machine with itself are left
// out. Addresses are looked at for that and forgotten in the same line.
//
// The kernel also tells of each socket it closes, with its last counts; those messages wait in the
// socket's bounded buffer and wake nobody, so that connections shorter than a reading's distance
// are counted too. What overflows is not counted. One thread; blocks for about 0.6 µs a socket.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/network/tcp_table.h"

namespace candor {

class TcpDiag {
 public:
  virtual ~TcpDiag() = default;

  // Replaces both lists. At most TcpTable::kSocketsMax + 1 open and as many closed sockets.
  virtual absl::Status Read(std::vector<TcpSocket>& open, std::vector<TcpSocket>& closed) = 0;
};

// Unavailable, with the reason, where the kernel has no inet_diag.
absl::StatusOr<std::unique_ptr<TcpDiag>> OpenTcpDiag();

}  // namespace candor
