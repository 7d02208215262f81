// One probe of one service: resolve its name, connect, and where the service asks for it ping.
// Gives plain results; what they mean for metrics is network.cc's.
#pragma once

#include "agent/samplers/network/connect.h"
#include "agent/samplers/network/names.h"
#include "agent/samplers/network/ping.h"
#include "agent/samplers/network/resolver.h"
#include "agent/samplers/sampler.h"

namespace candor {

struct ProbeResult {
  std::optional<int64_t> dns_us;
  // Why there is no dns_us; the second tells a failure from what cannot be measured by its nature.
  std::string dns_reason;
  bool dns_failed = false;

  ConnectOutcome connect;
  std::optional<PingOutcome> ping;  // nothing where the service does not ask for it
};

struct ProbeSetup {
  std::string dns_servers;  // NetworkOptions::dns_servers
  int64_t step_limit_ms = 5'000;
  HostsFile* hosts = nullptr;  // outlives the probe
};

boost::asio::awaitable<ProbeResult> ProbeService(boost::asio::io_context& io,
                                                 const LinuxRoots& roots, ProbeSetup setup,
                                                 ProbedService service);

}  // namespace candor
