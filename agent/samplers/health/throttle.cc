#include "agent/samplers/health/throttle.h"

#include <algorithm>
#include <utility>

namespace candor {

int64_t ThrottleMeter::Advance(ThrottleCounters counters) {
  int64_t most_ms = 0;
  for (const auto& [name, value] : counters) {
    const auto before = last_.find(name);
    if (before != last_.end()) most_ms = std::max(most_ms, value - before->second);
  }
  last_ = std::move(counters);
  return most_ms;
}

}  // namespace candor
