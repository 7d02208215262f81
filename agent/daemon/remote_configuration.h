// What the collector may tell this laptop, and nothing else: cadences within limits compiled in
// here, services to probe, families to switch off (never on, where the laptop's own file says off),
// and whether somebody is watching. It is checked, clamped, kept on disk, and survives a restart.
//
// One thread. The laptop's own file always wins.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/daemon/settings.h"
#include "agent/samplers/sampler.h"

namespace candor::v1 {
class Configuration;
}

namespace candor {

// Limits of what a collector may ask for.
struct CadenceLimits {
  static constexpr int64_t kPushActiveMinS = 60;
  static constexpr int64_t kPushActiveMaxS = 3'600;
  static constexpr int64_t kPushIdleMinS = 60;
  static constexpr int64_t kPushIdleMaxS = 7'200;
  static constexpr int64_t kTickActiveMinS = 5;
  static constexpr int64_t kTickIdleMinS = 30;
  // A window is a minute: a slower tick would leave minutes unwatched.
  static constexpr int64_t kTickMaxS = 60;
  static constexpr size_t kServicesMax = 32;
};

struct EffectiveConfiguration {
  int64_t push_active_s = 300;
  int64_t push_idle_s = 900;
  int64_t tick_active_s = 10;
  int64_t tick_idle_s = 60;
  bool watched = false;
  std::vector<ProbedService> services;  // the laptop's own first
  KnownGateways gateways;
  std::set<std::string> families_off;
  std::string hash;  // of the collector's configuration in force; empty for none

  bool operator==(const EffectiveConfiguration&) const = default;
};

class RemoteConfiguration {
 public:
  // Reads what an earlier run kept; a damaged file counts as none.
  explicit RemoteConfiguration(const AgentSettings& settings);

  // InvalidArgument, and nothing changes, when the hash does not fit. A disk that cannot keep it
  // is told, but it is in force.
  absl::Status Apply(const v1::Configuration& configuration);
  // The laptop's own file was read again.
  void SetLocal(const AgentSettings& settings);

  const EffectiveConfiguration& effective() const { return effective_; }

 private:
  void Merge(const v1::Configuration& configuration);

  AgentSettings settings_;
  std::string stored_;  // serialized, as it came; empty for none
  EffectiveConfiguration effective_;
};

// SHA-256 of the message with `hash` empty.
std::string ConfigurationHash(const v1::Configuration& configuration);

}  // namespace candor
