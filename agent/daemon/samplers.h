// Every sampler the agent has, in one visible list, and their runs on the tick.
//
// A family that is switched off has no sampler at all: it is taken down (once it is not busy) and
// all that it could measure is told as unmeasured; switched on again, it is made anew. Without
// usage nobody can say when a person was there: then every minute counts by uptime. A sampler
// that is still busy is left alone by the tick. One thread; everything runs on `context.io`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/samplers/sampler.h"

namespace candor {

struct SamplerEntry {
  std::string family;  // "agent" cannot be switched off
  std::function<std::unique_ptr<Sampler>(const SamplerContext&)> make;
};

// `dns_servers` as in AgentSettings.
std::vector<SamplerEntry> AllSamplers(const std::string& dns_servers);

class SamplerRunner {
 public:
  // `on_done` is called whenever a sampler has finished a run.
  SamplerRunner(std::vector<SamplerEntry> entries, SamplerContext context,
                std::function<void()> on_done);
  ~SamplerRunner();

  void Configure(const std::set<std::string>& families_off,
                 const std::vector<ProbedService>& services, const KnownGateways& gateways = {});
  // Starts every sampler that is not busy.
  void Start(const Tick& tick);
  bool busy() const;
  bool off(const std::string& family) const { return families_off_.contains(family); }

 private:
  struct Slot;
  void Refresh(Slot& slot);
  void TellSwitchedOn(const Slot& slot);
  void TellSwitchedOff(const Slot& slot);

  const SamplerContext context_;
  const std::function<void()> on_done_;
  std::set<std::string> families_off_;
  std::vector<ProbedService> services_;
  KnownGateways gateways_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace candor
