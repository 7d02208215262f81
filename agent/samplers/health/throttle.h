// From the processor's throttle counters to milliseconds slowed by heat. One thread.
//
// Each logical processor counts for itself (core_throttle_total_time_ms) and for its package
// (package_throttle_total_time_ms). Counters of the same spell run side by side, so the time of an
// interval is that of the counter that moved most, not their sum.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace candor {

// Values by counter, in milliseconds since boot.
using ThrottleCounters = std::map<std::string, int64_t>;

class ThrottleMeter {
 public:
  // Milliseconds throttled since the last call; 0 at the first. A counter that is new (a processor
  // came back) or went back counts from here on.
  int64_t Advance(ThrottleCounters counters);

 private:
  ThrottleCounters last_;
};

}  // namespace candor
