// How this system is set up to resolve names. Plain reading of small files; any thread.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
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

// The same, with answers kept until the file's time or size changes: some people keep tens of
// thousands of lines there. One thread.
class HostsFile {
 public:
  explicit HostsFile(std::string etc) : etc_(std::move(etc)) {}
  std::vector<boost::asio::ip::address> LookUp(const std::string& host);
  // How often the file was read.
  int readings() const { return readings_; }

 private:
  static constexpr size_t kKeptMax = 64;

  const std::string etc_;
  std::string stamp_;
  std::map<std::string, std::vector<boost::asio::ip::address>> kept_;
  int readings_ = 0;
};

}  // namespace candor
