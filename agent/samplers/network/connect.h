// One TCP connect, timed and closed again. The round trip is the kernel's own measurement of SYN to
// SYN-ACK (tcpi_rtt), so a busy machine does not look like a slow network; where a SYN had to be
// sent again, or the kernel does not tell, it is the time until the socket became writable.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/samplers/network/awaitable.h"

namespace candor {

struct ConnectOutcome {
  bool connected = false;
  int64_t rtt_us = 0;
  // The service runs on this very machine: reachable, but no round trip.
  bool on_this_machine = false;
  std::string failure;  // one line, without the address
};

// Tries the first address, then the first one of the other family. Both within `limit_ms`, of which
// the first has three fifths where there is a second.
boost::asio::awaitable<ConnectOutcome> TimeConnect(boost::asio::io_context& io,
                                                   std::vector<boost::asio::ip::address> addresses,
                                                   uint16_t port, int64_t limit_ms);

// Handshake round trip of a just connected socket; nothing where a SYN was retransmitted or the
// system does not tell.
std::optional<int64_t> HandshakeRttUs(int fd);

}  // namespace candor
