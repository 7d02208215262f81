// ICMP echo without privileges, over the kernel's datagram sockets for it, where
// net.ipv4.ping_group_range lets the agent's group. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/samplers/network/awaitable.h"

namespace candor {

struct PingOutcome {
  std::optional<int64_t> rtt_us;
  // The system does not let us ping at all; `failure` says why.
  bool not_allowed = false;
  std::string failure;
};

boost::asio::awaitable<PingOutcome> Ping(boost::asio::io_context& io,
                                         boost::asio::ip::address address, int64_t limit_ms);

}  // namespace candor
