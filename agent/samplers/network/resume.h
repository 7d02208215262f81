// Waking up: from the moment at which the service manager's logind tells that the machine is awake
// again (PrepareForSleep) to the first at which a link is up and a default route leads somewhere.
// The kernel's own part of waking, before anybody can be told, is not in it.
//
// Between sleeps it costs one idle connection to the system bus and no wakeups; after a wake the
// routes are looked at ten times a second until they are there, for a minute at most: who wakes up
// where there is no network waited for nothing, and nothing is told. One thread; owned by the
// daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "agent/samplers/sampler.h"

namespace candor {

// The arithmetic of it, over any one clock in milliseconds.
class ResumeMeter {
 public:
  static constexpr int64_t kWaitMsMax = 60'000;

  void Asleep() { woke_ms_.reset(); }
  void Awake(int64_t now_ms) { woke_ms_ = now_ms; }
  // A wake is being measured.
  bool waiting() const { return woke_ms_.has_value(); }
  // How long it took, at the first look that finds a network; nothing before, and where it took
  // longer than anybody waits.
  std::optional<int64_t> Look(int64_t now_ms, bool connected);

 private:
  std::optional<int64_t> woke_ms_;
};

// `connected` says whether there is a network now.
std::unique_ptr<Sampler> MakeResumeSampler(const SamplerContext& context,
                                           std::function<bool()> connected);
// The same by the machine's own links and routes.
std::unique_ptr<Sampler> MakeResumeSampler(const SamplerContext& context);

}  // namespace candor
