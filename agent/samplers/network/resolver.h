// One name resolution, timed, straight from the resolvers: c-ares on the daemon's event loop. A
// channel for each question, so nothing is ever answered from a cache of this process, and no
// helper thread. A and AAAA are asked together, as programs do; the time is until both are in. A
// lost packet is asked again after 2 s.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/samplers/network/awaitable.h"

namespace candor {

// Where to ask: the servers of a resolv.conf, or those of a list "127.0.0.1:5300,…" when not empty.
struct DnsServers {
  std::string resolv_conf;
  std::string list;
};

struct DnsAnswer {
  // In the order to try them (RFC 6724); empty on failure. At most kAddressesMax.
  std::vector<boost::asio::ip::address> addresses;
  int64_t elapsed_us = 0;
  // Why there is no address, in one line.
  std::string failure;
  // No resolver said anything, not even that there is no such name.
  bool silent = false;
};

inline constexpr size_t kAddressesMax = 8;

// Give it named values: GCC 12 destroys temporaries built inside of a co_await twice.
boost::asio::awaitable<DnsAnswer> AskDns(boost::asio::io_context& io, DnsServers servers,
                                         std::string host, int64_t limit_ms);

}  // namespace candor
