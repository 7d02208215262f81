#include "agent/uplink/linux_cost.h"

#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace candor {
namespace {

uint64_t Microseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec);
}

void AddSocket(int fd, SocketBytes& bytes) {
  tcp_info info = {};
  socklen_t size = sizeof info;
  // Fails for whatever is no TCP socket; an older kernel fills less of the structure.
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return;
  if (size < offsetof(tcp_info, tcpi_bytes_sent) + sizeof info.tcpi_bytes_sent) return;
  bytes.sent += info.tcpi_bytes_sent;
  bytes.received += info.tcpi_bytes_received;
}

}  // namespace

ProcessCost OwnCost() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return {Microseconds(usage.ru_utime) + Microseconds(usage.ru_stime),
          static_cast<uint64_t>(usage.ru_maxrss),
          static_cast<uint64_t>(usage.ru_nvcsw) + static_cast<uint64_t>(usage.ru_nivcsw)};
}

SocketBytes OpenSocketBytes() {
  SocketBytes bytes;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
  while (const dirent* entry = folder != nullptr ? readdir(folder.get()) : nullptr) {
    if (entry->d_name[0] != '.') AddSocket(std::atoi(entry->d_name), bytes);
  }
  return bytes;
}

}  // namespace candor
