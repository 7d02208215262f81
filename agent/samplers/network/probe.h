// One probe of one service: resolve its name, connect, and where the service asks for it look at
// its answer over plain HTTP and ping. Gives plain results; what they mean for metrics is
// network.cc's.
#pragma once

#include "agent/samplers/network/connect.h"
#include "agent/samplers/network/names.h"
#include "agent/samplers/network/ping.h"
#include "agent/samplers/network/resolver.h"
#include "agent/samplers/network/verdict.h"
#include "agent/samplers/sampler.h"

namespace candor {

struct ProbeResult {
  std::optional<int64_t> dns_us;
  // Why there is no dns_us; the second tells a failure from what cannot be measured by its nature.
  std::string dns_reason;
  bool dns_failed = false;

  // `connect.service` also stands for what was reached by a foreign answer; see `verdict`.
  ServiceConnect connect;
  ProbeVerdict verdict = ProbeVerdict::kNoAnswer;
  std::optional<PingOutcome> ping;  // nothing where the service does not ask for it
  // Where the service's name led; kept by whoever probes, never told.
  std::vector<boost::asio::ip::address> addresses;
};

struct ProbeSetup {
  std::string dns_servers;  // NetworkOptions::dns_servers
  int64_t step_limit_ms = 5'000;
  HostsFile* hosts = nullptr;  // outlives the probe
  // Where the service was found before. Only where its name cannot be resolved is it asked there,
  // to tell resolvers that fail from a line that does.
  std::vector<boost::asio::ip::address> remembered = {};
};

boost::asio::awaitable<ProbeResult> ProbeService(boost::asio::io_context& io,
                                                 const LinuxRoots& roots, ProbeSetup setup,
                                                 ProbedService service);

}  // namespace candor
