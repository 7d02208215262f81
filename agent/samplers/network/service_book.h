// Turns what probes of services found into measurements of each service, and into reasons for what
// is not measured of it. Keeps what it needs of earlier probes, in memory only. Owned by the
// network sampler; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/samplers/network/probe.h"
#include "agent/samplers/recorder.h"
#include "agent/samplers/sampler.h"
#include "agent/samplers/support/failure_count.h"

namespace candor {

class ServiceBook {
 public:
  explicit ServiceBook(Recorder& recorder) : recorder_(recorder) {}

  // Reasons that follow from the configuration alone, when it changes from `old`.
  void Configure(const std::vector<ProbedService>& old, const std::vector<ProbedService>& services);

  // `link_up`: without a link it is not the service that failed. The service's round trip, where
  // there was one.
  std::optional<int64_t> Take(const ProbedService& service, const ProbeResult& result,
                              bool link_up);

  // An echo to a service or, with an empty subject, to the gateway.
  void TakePing(uint32_t what, const std::string& subject, const PingOutcome& ping,
                bool on_this_machine);

  // Where the service was last found (ProbeSetup::remembered).
  std::vector<boost::asio::ip::address> WhereFound(const std::string& service) const;

 private:
  // What is known of a service's own measurements.
  struct Health {
    int failures = 0;
    bool rtt_measured = false;
    std::vector<boost::asio::ip::address> addresses;
  };
  struct FamilyMetrics;

  bool LastingFailure(const Health& health) const;
  void TakeDns(const std::string& name, const ProbeResult& result, const Health& health);
  void TakeConnect(const std::string& name, const ProbeResult& result, Health& health);
  void TakeFamily(const FamilyMetrics& family, const std::string& name,
                  const ConnectOutcome& outcome);

  Recorder& recorder_;
  std::map<std::string, Health> health_;
  // By metric and service; the gateway's has no name.
  std::map<std::pair<uint32_t, std::string>, FailureCount> failures_;
};

}  // namespace candor
