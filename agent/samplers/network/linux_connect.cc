#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "agent/samplers/network/connect.h"

namespace candor {

std::optional<int64_t> HandshakeRttUs(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  // With a SYN sent twice, what the person waited for includes the first one's time-out.
  if (info.tcpi_total_retrans > 0 || info.tcpi_rtt == 0) return std::nullopt;
  return info.tcpi_rtt;
}

}  // namespace candor
