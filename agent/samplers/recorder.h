// Where samplers put what they measured; apart from sampler.h so that who only records or collects
// need not know about coroutines.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/columns.h"

namespace candor::v1 {
class Event;
}

namespace candor {

// Where samplers put what they measured. Values are in the metric's resolution
// (common/registry.h), so 1.5 ms of a metric with 1000 steps a ms is 1500.
class Recorder {
 public:
  virtual ~Recorder() = default;

  // One observation of a distribution.
  virtual void Record(uint32_t metric, std::string_view subject, int64_t value) = 0;
  // An increment of a counter.
  virtual void Count(uint32_t metric, std::string_view subject, int64_t increment) = 0;
  // The present value of a gauge.
  virtual void Gauge(uint32_t metric, std::string_view subject, int64_t value) = 0;
  // A source of counts (candor::watch) was watched for `ms` until now.
  virtual void Watched(std::string_view source, int64_t ms) = 0;

  // Something that happened. `event.what` must be set. Time fields left 0 are filled with now;
  // `boot_id` (16 raw bytes) names the boot it belongs to, empty for the present one. `urgent`
  // asks for a push at once (a crash).
  virtual void Event(v1::Event event, std::string_view boot_id = {}, bool urgent = false) = 0;
  // Position in a source, saved in the same transaction as the events emitted before it.
  virtual void SetCursor(std::string_view name, std::string_view value) = 0;

  // How the present minute counts: the last call in a minute with the highest precedence wins
  // (input over login over uptime).
  virtual void Activity(ActivityState state) = 0;

  // From now on this metric or event kind cannot be measured (or, Measured, can be again).
  // Repeated calls with the same reason cost nothing.
  virtual void Unmeasured(uint32_t metric_or_event, std::string_view subject,
                          std::string_view reason) = 0;
  virtual void Measured(uint32_t metric_or_event, std::string_view subject) = 0;
};

}  // namespace candor
