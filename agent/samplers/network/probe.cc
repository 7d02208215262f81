#include "agent/samplers/network/probe.h"

#include <utility>

#include "agent/samplers/network/portal.h"

namespace candor {
namespace {

namespace asio = boost::asio;

struct Resolved {
  std::vector<asio::ip::address> addresses;
  std::optional<int64_t> dns_us;
  std::string reason;
  bool failed = false;
  bool silent = false;
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
    resolved.silent = answer.silent;
  }
  if (setup.dns_servers.empty() && plan.timed_conf != plan.system_conf) {
    const DnsServers local{plan.system_conf, {}};
    DnsAnswer answer = co_await AskDns(io, local, host, setup.step_limit_ms);
    resolved.addresses = std::move(answer.addresses);
    if (!resolved.addresses.empty() && resolved.reason.empty()) {
      resolved.reason = "only the resolver on loopback, which caches, knows the name";
    }
    if (failure.empty()) failure = std::move(answer.failure);
    // systemd-resolved says SERVFAIL for resolvers that are silent behind it, so the first one
    // counts.
    resolved.silent = resolved.silent || (plan.timed_conf.empty() && answer.silent);
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

ProbeVerdict VerdictOf(const ConnectOutcome& connect) {
  if (connect.connected) return ProbeVerdict::kAnswered;
  const bool refused = connect.kind == ConnectOutcome::Failure::kRefused;
  return refused ? ProbeVerdict::kRefused : ProbeVerdict::kNoAnswer;
}

bool WantsHttpAnswer(const ProbedService& service) {
  return !service.tls && !service.http_path.empty() && !service.http_expect.empty();
}

// The name led nowhere: is it the resolvers alone, or the whole line?
asio::awaitable<ProbeVerdict> BesideResolvers(asio::io_context& io, bool silent,
                                              const std::vector<asio::ip::address>& remembered,
                                              uint16_t port, int64_t limit_ms) {
  const auto resolvers = silent ? ProbeVerdict::kDnsSilent : ProbeVerdict::kDnsError;
  if (remembered.empty()) co_return resolvers;
  const ServiceConnect connect = co_await TimeConnect(io, remembered, port, limit_ms);
  const bool line = VerdictOf(connect.service) == ProbeVerdict::kNoAnswer;
  co_return line ? ProbeVerdict::kNoAnswer : resolvers;
}

asio::awaitable<ProbeVerdict> Judge(asio::io_context& io, const ServiceConnect& connect,
                                    const ProbedService& service, int64_t limit_ms) {
  const ProbeVerdict verdict = VerdictOf(connect.service);
  if (verdict != ProbeVerdict::kAnswered || !WantsHttpAnswer(service)) co_return verdict;
  switch (co_await AskOverHttp(io, connect.address, service, limit_ms)) {
    case HttpJudgement::kExpected:
      co_return ProbeVerdict::kProven;
    case HttpJudgement::kForeign:
      co_return ProbeVerdict::kForeign;
    case HttpJudgement::kUnclear:
      break;
  }
  co_return verdict;
}

}  // namespace

asio::awaitable<ProbeResult> ProbeService(asio::io_context& io, const LinuxRoots& roots,
                                          ProbeSetup setup, ProbedService service) {
  ProbeResult result;
  Resolved resolved = co_await Resolve(io, roots, setup, service.host);
  result.dns_us = resolved.dns_us;
  result.dns_reason = std::move(resolved.reason);
  result.dns_failed = resolved.failed;
  result.addresses = std::move(resolved.addresses);
  if (result.addresses.empty()) {
    result.connect.service.failure = result.dns_reason;
    result.verdict = co_await BesideResolvers(io, resolved.silent, setup.remembered, service.port,
                                              setup.step_limit_ms);
    co_return result;
  }
  result.connect = co_await TimeConnect(io, result.addresses, service.port, setup.step_limit_ms);
  result.verdict = co_await Judge(io, result.connect, service, setup.step_limit_ms);
  if (service.icmp) {
    result.ping = co_await Ping(io, result.addresses.front(), setup.step_limit_ms);
    if (result.connect.service.on_this_machine) {
      result.ping->rtt_us.reset();
      result.ping->failure = "service is on loopback";
    }
  }
  co_return result;
}

}  // namespace candor
