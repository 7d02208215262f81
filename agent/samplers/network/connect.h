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
  enum class Failure {
    kNone,
    kRefused,
    kNoAnswer,  // silence, or a router on the way turned it back
    kNoRoute,   // this machine has no way to addresses of this kind: nothing was sent
  };
  bool connected = false;
  Failure kind = Failure::kNone;
  int64_t rtt_us = 0;
  // The service runs on this very machine: reachable, but no round trip.
  bool on_this_machine = false;
  std::string failure;  // one line, without the address
};

struct ServiceConnect {
  // As a program fares: the first address, or where that fails the first of the other family.
  ConnectOutcome service;
  // Which address that was.
  boost::asio::ip::address address;
  // Each family for itself; only of a service that has addresses of both.
  std::optional<ConnectOutcome> ipv4;
  std::optional<ConnectOutcome> ipv6;
};

// Tries the first address, then the first one of the other family, whether or not the first
// answered. Both within `limit_ms`, of which the first has three fifths where there is a second.
boost::asio::awaitable<ServiceConnect> TimeConnect(boost::asio::io_context& io,
                                                   std::vector<boost::asio::ip::address> addresses,
                                                   uint16_t port, int64_t limit_ms);

// Handshake round trip of a just connected socket; nothing where a SYN was retransmitted or the
// system does not tell.
std::optional<int64_t> HandshakeRttUs(int fd);

}  // namespace candor
