#include "agent/samplers/network/probe.h"

#include <utility>

namespace candor {
namespace {

namespace asio = boost::asio;

struct Resolved {
  std::vector<asio::ip::address> addresses;
  std::optional<int64_t> dns_us;
  std::string reason;
  bool failed = false;
};

// Asks the resolvers, and what only the machine's own resolver knows, of that one.
asio::awaitable<Resolved> AskResolvers(asio::io_context& io, const LinuxRoots& roots,
                                       const ProbeSetup& setup, const std::string& host) {
  Resolved resolved;
  ResolverPlan plan;
  if (setup.dns_servers.empty()) plan = PlanResolvers(roots.etc, roots.run);
  resolved.reason = plan.reason;
  std::string failure;
  if (!setup.dns_servers.empty() || !plan.timed_conf.empty()) {
    const DnsServers servers{plan.timed_conf, setup.dns_servers};
    DnsAnswer answer = co_await AskDns(io, servers, host, setup.step_limit_ms);
    if (!answer.addresses.empty()) {
      resolved.addresses = std::move(answer.addresses);
      resolved.dns_us = answer.elapsed_us;
      co_return resolved;
    }
    failure = std::move(answer.failure);
  }
  if (setup.dns_servers.empty() && plan.timed_conf != plan.system_conf) {
    const DnsServers local{plan.system_conf, {}};
    DnsAnswer answer = co_await AskDns(io, local, host, setup.step_limit_ms);
    resolved.addresses = std::move(answer.addresses);
    if (!resolved.addresses.empty() && resolved.reason.empty()) {
      resolved.reason = "only the resolver on loopback, which caches, knows the name";
    }
    if (failure.empty()) failure = std::move(answer.failure);
  }
  if (resolved.addresses.empty()) {
    resolved.reason = "the name could not be resolved: " + failure;
    resolved.failed = true;
  }
  co_return resolved;
}

asio::awaitable<Resolved> Resolve(asio::io_context& io, const LinuxRoots& roots,
                                  const ProbeSetup& setup, const std::string& host) {
  Resolved resolved;
  boost::system::error_code not_an_address;
  const auto literal = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    resolved.addresses = {literal};
    resolved.reason = "the service is configured by address, not by name";
    co_return resolved;
  }
  resolved.addresses = setup.hosts->LookUp(host);
  if (!resolved.addresses.empty()) {
    resolved.reason = "the service's name is in the hosts file";
    co_return resolved;
  }
  co_return co_await AskResolvers(io, roots, setup, host);
}

}  // namespace

asio::awaitable<ProbeResult> ProbeService(asio::io_context& io, const LinuxRoots& roots,
                                          ProbeSetup setup, ProbedService service) {
  ProbeResult result;
  Resolved resolved = co_await Resolve(io, roots, setup, service.host);
  result.dns_us = resolved.dns_us;
  result.dns_reason = std::move(resolved.reason);
  result.dns_failed = resolved.failed;
  if (resolved.addresses.empty()) {
    result.connect.failure = result.dns_reason;
    co_return result;
  }
  result.connect = co_await TimeConnect(io, resolved.addresses, service.port, setup.step_limit_ms);
  if (service.icmp) {
    result.ping = co_await Ping(io, resolved.addresses.front(), setup.step_limit_ms);
    if (result.connect.on_this_machine) {
      result.ping->rtt_us.reset();
      result.ping->failure = "service is on loopback";
    }
  }
  co_return result;
}

}  // namespace candor
