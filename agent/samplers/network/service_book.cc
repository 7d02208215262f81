#include "agent/samplers/network/service_book.h"

#include <string_view>

#include "common/registry.h"

namespace candor {
namespace {

constexpr std::string_view kNoServices = "no service is configured";
constexpr std::string_view kOneFamily = "no service has addresses of both IPv4 and IPv6";
constexpr uint32_t kByFamily[] = {metric::kRttIpv4,           metric::kRttIpv6,
                                  metric::kProbesIpv4,        metric::kProbesIpv6,
                                  metric::kProbeFailuresIpv4, metric::kProbeFailuresIpv6};

}  // namespace

struct ServiceBook::FamilyMetrics {
  std::string_view name;
  uint32_t rtt;
  uint32_t probes;
  uint32_t failures;
};

void ServiceBook::Configure(const std::vector<ProbedService>& old,
                            const std::vector<ProbedService>& services) {
  constexpr uint32_t kPerService[] = {
      metric::kRtt,         metric::kDns,        metric::kTls,
      metric::kFirstByte,   metric::kRttIpv4,    metric::kRttIpv6,
      metric::kServicePing, metric::kProbesIpv4, metric::kProbesIpv6};
  constexpr uint32_t kAny[] = {metric::kRtt,
                               metric::kDns,
                               metric::kTls,
                               metric::kProbes,
                               metric::kProbeFailures,
                               metric::kOfflineSeconds,
                               metric::kOnlineSeconds,
                               metric::kNoLinkSeconds,
                               metric::kFirstByte,
                               metric::kOfflineCauseSeconds,
                               metric::kClassRtt,
                               metric::kClassOnlineSeconds,
                               metric::kClassOfflineSeconds};
  for (const ProbedService& service : old) {
    for (const uint32_t what : kPerService) {
      recorder_.Measured(what, service.name);
      failures_.erase({what, service.name});
    }
  }
  health_.clear();
  const auto say = [&](uint32_t what, bool measured, std::string_view reason) {
    measured ? recorder_.Measured(what, {}) : recorder_.Unmeasured(what, {}, reason);
  };
  for (const uint32_t what : kAny) say(what, !services.empty(), kNoServices);
  for (const uint32_t what : kByFamily)
    say(what, false, services.empty() ? kNoServices : kOneFamily);
  bool any_icmp = false;
  for (const ProbedService& service : services) {
    any_icmp = any_icmp || service.icmp;
    if (!service.tls) {
      recorder_.Unmeasured(metric::kTls, service.name, "the service is probed without TLS");
    }
    if (service.http_path.empty()) {
      recorder_.Unmeasured(metric::kFirstByte, service.name,
                           "no HTTP path is configured for the service");
    }
  }
  say(metric::kServicePing, any_icmp, "no service asks for ICMP");
}

std::optional<int64_t> ServiceBook::Take(const ProbedService& service, const ProbeResult& result,
                                         bool link_up) {
  const ConnectOutcome& connect = result.connect.service;
  const bool answered = connect.connected && result.verdict != ProbeVerdict::kForeign;
  if (answered || link_up) {
    recorder_.Count(metric::kProbes, service.name, 1);
    recorder_.Count(metric::kProbeFailures, service.name, answered ? 0 : 1);
  }
  Health& health = health_[service.name];
  health.failures = answered ? 0 : health.failures + 1;
  if (answered) health.addresses = result.addresses;
  TakeDns(service.name, result, health);
  TakeConnect(service.name, result, health);
  const bool both = result.connect.ipv4 && result.connect.ipv6;
  if (both && link_up && !connect.on_this_machine && result.verdict != ProbeVerdict::kForeign) {
    for (const uint32_t what : kByFamily) recorder_.Measured(what, {});
    TakeFamily({"IPv4", metric::kRttIpv4, metric::kProbesIpv4, metric::kProbeFailuresIpv4},
               service.name, *result.connect.ipv4);
    TakeFamily({"IPv6", metric::kRttIpv6, metric::kProbesIpv6, metric::kProbeFailuresIpv6},
               service.name, *result.connect.ipv6);
  }
  if (result.ping) {
    TakePing(metric::kServicePing, service.name, *result.ping, connect.on_this_machine);
  }
  if (!answered || connect.on_this_machine) return std::nullopt;
  return connect.rtt_us;
}

bool ServiceBook::LastingFailure(const Health& health) const {
  return !health.rtt_measured || health.failures >= FailureCount::kLasting;
}

void ServiceBook::TakeDns(const std::string& name, const ProbeResult& result,
                          const Health& health) {
  if (result.dns_us) {
    recorder_.Measured(metric::kDns, name);
    recorder_.Record(metric::kDns, name, *result.dns_us);
  } else if (!result.dns_failed || LastingFailure(health)) {
    recorder_.Unmeasured(metric::kDns, name, result.dns_reason);
  }
}

void ServiceBook::TakeConnect(const std::string& name, const ProbeResult& result, Health& health) {
  const ConnectOutcome& connect = result.connect.service;
  if (result.verdict == ProbeVerdict::kForeign) {
    if (LastingFailure(health)) {
      recorder_.Unmeasured(metric::kRtt, name,
                           "somebody else answers for the service: a portal or a proxy");
    }
  } else if (connect.connected && !connect.on_this_machine) {
    health.rtt_measured = true;
    recorder_.Measured(metric::kRtt, name);
    recorder_.Record(metric::kRtt, name, connect.rtt_us);
  } else if (connect.connected) {
    recorder_.Unmeasured(metric::kRtt, name, "service is on loopback");
  } else if (LastingFailure(health)) {
    recorder_.Unmeasured(metric::kRtt, name,
                         "the service could not be reached: " + connect.failure);
  }
}

void ServiceBook::TakeFamily(const FamilyMetrics& family, const std::string& name,
                             const ConnectOutcome& outcome) {
  if (outcome.kind == ConnectOutcome::Failure::kNoRoute) {
    // A laptop in a network of one kind lacks nothing.
    const std::string reason = "this network has no " + std::string(family.name);
    recorder_.Unmeasured(family.rtt, name, reason);
    recorder_.Unmeasured(family.probes, name, reason);
    return;
  }
  recorder_.Measured(family.probes, name);
  recorder_.Count(family.probes, name, 1);
  recorder_.Count(family.failures, name, outcome.connected ? 0 : 1);
  FailureCount& failures = failures_[{family.rtt, name}];
  if (outcome.connected) {
    failures.Succeeded();
    recorder_.Measured(family.rtt, name);
    recorder_.Record(family.rtt, name, outcome.rtt_us);
  } else if (failures.Lasting()) {
    recorder_.Unmeasured(family.rtt, name,
                         "the service could not be reached over " + std::string(family.name) +
                             ": " + outcome.failure);
  }
}

void ServiceBook::TakePing(uint32_t what, const std::string& subject, const PingOutcome& ping,
                           bool on_this_machine) {
  FailureCount& failures = failures_[{what, subject}];
  if (ping.rtt_us) {
    failures.Succeeded();
    recorder_.Measured(what, subject);
    recorder_.Record(what, subject, *ping.rtt_us);
  } else if (failures.Lasting() || ping.not_allowed || on_this_machine) {
    recorder_.Unmeasured(what, subject, ping.failure);
  }
}

std::vector<boost::asio::ip::address> ServiceBook::WhereFound(const std::string& service) const {
  const auto at = health_.find(service);
  return at == health_.end() ? std::vector<boost::asio::ip::address>() : at->second.addresses;
}

}  // namespace candor
