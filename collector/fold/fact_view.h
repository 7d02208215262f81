// Looks into stored facts: sums, latest values and merged distributions of a FactSet, by metric,
// subject and kind of activity. For queries and for the day's values.
//
// A view refers to its FactSet and must not outlive it. Any thread, as long as the set is not
// changed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/columns.h"
#include "common/histogram.h"

namespace candor::store::v1 {
class Distribution;
class FactSet;
class MetricFact;
}  // namespace candor::store::v1

namespace candor {

// DataLoss when the parts contradict each other.
absl::StatusOr<Histogram> DecodeDistribution(const store::v1::Distribution& distribution);

// How a day's activity is known, best kind first: where input was seen, only minutes with input
// count as active; else minutes with somebody logged in; else minutes up.
struct ActivityOfDay {
  ActivityState state = ActivityState::kInactive;  // inactive: no active minute of any kind
  int64_t active_min = 0;
  int64_t observed_ms = 0;     // watched part of these minutes
  double coverage_factor = 1;  // 1, 0.9, 0.8 for input, login, uptime; 1 where nobody was active
};

class FactView {
 public:
  explicit FactView(const store::v1::FactSet& set) : set_(set) {}

  ActivityOfDay Activity() const;

  // All facts of a metric, by subject and activity.
  std::span<const store::v1::MetricFact* const> Facts(uint32_t metric) const;

  // A counter over all subjects, or of one; of metrics that count only while somebody was active
  // those minutes whose activity is `state`, else all.
  int64_t Sum(uint32_t metric, ActivityState state) const;
  int64_t Sum(uint32_t metric, std::string_view subject, ActivityState state) const;
  // True when the metric has any window that Sum would count.
  bool Has(uint32_t metric, ActivityState state) const;
  // A distribution merged over all subjects; empty when there is none.
  Histogram Distribution(uint32_t metric, ActivityState state) const;
  // The lowest of the subjects' latest values of a gauge.
  std::optional<int64_t> LowestGauge(uint32_t metric) const;

 private:
  template <typename Visit>
  void Each(uint32_t metric, ActivityState state, const Visit& visit) const;

  const store::v1::FactSet& set_;
};

}  // namespace candor
