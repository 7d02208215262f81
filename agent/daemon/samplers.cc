#include "agent/daemon/samplers.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "agent/samplers/boot/boot.h"
#include "agent/samplers/crash/crash.h"
#include "agent/samplers/health/health.h"
#include "agent/samplers/health/self_cost.h"
#include "agent/samplers/network/network.h"
#include "agent/samplers/network/resume.h"
#include "agent/samplers/responsiveness/responsiveness.h"
#include "agent/samplers/software/software.h"
#include "agent/samplers/usage/usage.h"
#include "common/log.h"
#include "common/registry.h"

namespace candor {
namespace {

constexpr std::string_view kSwitchedOff = "this family is switched off";

}  // namespace

std::vector<SamplerEntry> AllSamplers(const std::string& dns_servers) {
  NetworkOptions network;
  network.dns_servers = dns_servers;
  return {
      {"usage", MakeUsageSampler},
      {"boot", MakeBootSampler},
      {"crash", MakeCrashSampler},
      {"network",
       [network](const SamplerContext& context) { return MakeNetworkSampler(context, network); }},
      {"network", [](const SamplerContext& context) { return MakeResumeSampler(context); }},
      {"responsiveness", MakeResponsivenessSampler},
      {"health", MakeHealthSampler},
      {"software", MakeSoftwareSampler},
      {"agent", MakeSelfCostSampler},
  };
}

struct SamplerRunner::Slot {
  SamplerEntry entry;
  std::unique_ptr<Sampler> sampler;  // none while its family is switched off
  bool busy = false;
};

SamplerRunner::SamplerRunner(std::vector<SamplerEntry> entries, SamplerContext context,
                             std::function<void()> on_done)
    : context_(std::move(context)), on_done_(std::move(on_done)) {
  for (SamplerEntry& entry : entries) {
    slots_.push_back(std::make_unique<Slot>(Slot{std::move(entry), nullptr, false}));
  }
}

SamplerRunner::~SamplerRunner() = default;

void SamplerRunner::Configure(const std::set<std::string>& families_off,
                              const std::vector<ProbedService>& services,
                              const KnownGateways& gateways) {
  families_off_ = families_off;
  const bool new_services = services != services_;
  services_ = services;
  gateways_ = gateways;
  for (auto& slot : slots_) {
    if (slot->sampler) slot->sampler->SetGateways(gateways_);
    if (new_services && slot->sampler) slot->sampler->SetServices(services_);
    Refresh(*slot);
  }
}

// A busy one is looked at again when it has finished.
void SamplerRunner::Refresh(Slot& slot) {
  if (slot.busy) return;
  if (slot.entry.family != "agent" && off(slot.entry.family)) {
    slot.sampler.reset();
    TellSwitchedOff(slot);
  } else if (!slot.sampler) {
    TellSwitchedOn(slot);
    slot.sampler = slot.entry.make(context_);
    slot.sampler->SetGateways(gateways_);
    slot.sampler->SetServices(services_);
  }
}

// Once for samplers that share a family: what one has told already stays.
void SamplerRunner::TellSwitchedOn(const Slot& slot) {
  const bool told = std::any_of(slots_.begin(), slots_.end(), [&](const auto& other) {
    return other->sampler && other->entry.family == slot.entry.family;
  });
  if (told) return;
  for (const MetricEntry& metric : Metrics()) {
    if (metric.family == slot.entry.family) context_.recorder.Measured(metric.number, "");
  }
  for (const EventEntry& event : Events()) {
    if (event.family == slot.entry.family) context_.recorder.Measured(event.number, "");
  }
}

void SamplerRunner::TellSwitchedOff(const Slot& slot) {
  for (const MetricEntry& metric : Metrics()) {
    if (metric.family == slot.entry.family) {
      context_.recorder.Unmeasured(metric.number, "", kSwitchedOff);
    }
  }
  for (const EventEntry& event : Events()) {
    if (event.family == slot.entry.family) {
      context_.recorder.Unmeasured(event.number, "", kSwitchedOff);
    }
  }
}

void SamplerRunner::Start(const Tick& tick) {
  if (off("usage")) context_.recorder.Activity(ActivityState::kByUptime);
  for (auto& owned : slots_) {
    Slot& slot = *owned;
    Refresh(slot);
    if (slot.busy || !slot.sampler) continue;
    slot.busy = true;
    boost::asio::co_spawn(context_.io, slot.sampler->Sample(tick),
                          [this, &slot](std::exception_ptr failure) {
                            slot.busy = false;
                            if (failure) {
                              LogError("a sampler failed", {{"family", slot.entry.family}});
                            }
                            Refresh(slot);
                            on_done_();
                          });
  }
}

bool SamplerRunner::busy() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->busy; });
}

}  // namespace candor
