// What this process has cost so far, by the kernel's own books.
#pragma once

#include <cstdint>

namespace candor {

struct ProcessCost {
  uint64_t cpu_us = 0;
  uint64_t rss_kib_max = 0;
  uint64_t context_switches = 0;
};
ProcessCost OwnCost();

struct SocketBytes {
  uint64_t sent = 0;
  uint64_t received = 0;
};
// TCP payload, TLS included, of the connections this process has open now (TCP_INFO). Sockets of a
// kernel that does not count bytes add nothing.
SocketBytes OpenSocketBytes();

}  // namespace candor
