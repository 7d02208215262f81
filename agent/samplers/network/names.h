// How this system is set up to resolve names. Plain reading of small files; any thread.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace candor {

// A resolver on loopback (systemd-resolved's stub, dnsmasq) answers from its cache, and a cached
// answer says nothing about the network. Where the stub is systemd-resolved's, it lists the real
// resolvers in a file of its own, and those are asked.
struct ResolverPlan {
  // resolv.conf whose resolvers are asked and timed; empty where there is none.
  std::string timed_conf;
  // Why there is none.
  std::string reason;
  // resolv.conf that programs use; asked, untimed, where `timed_conf` gives no address (a name that
  // only the local resolver knows how to route).
  std::string system_conf;
};

ResolverPlan PlanResolvers(const std::string& etc, const std::string& run);

// Addresses of `host` in `etc`/hosts, in the file's order.
std::vector<boost::asio::ip::address> LookUpHostsFile(const std::string& etc,
                                                      std::string_view host);

}  // namespace candor
