#include "collector/fold/fact_view.h"

#include <algorithm>
#include <utility>

#include "collector/fold/facts.h"
#include "collector/store/facts.pb.h"
#include "common/registry.h"

namespace candor {
namespace {

using store::v1::MetricFact;

struct ByMetric {
  bool operator()(const MetricFact* fact, uint32_t metric) const { return fact->metric() < metric; }
  bool operator()(uint32_t metric, const MetricFact* fact) const { return metric < fact->metric(); }
};

}  // namespace

absl::StatusOr<Histogram> DecodeDistribution(const store::v1::Distribution& distribution) {
  Histogram::Parts parts;
  parts.count = distribution.count();
  parts.sum = distribution.sum();
  parts.min = distribution.min();
  parts.max = distribution.max();
  parts.zero_count = distribution.zero_count();
  parts.scale = distribution.scale();
  parts.offset = distribution.offset();
  parts.buckets.assign(distribution.buckets().begin(), distribution.buckets().end());
  std::optional<Histogram> histogram = Histogram::FromParts(std::move(parts));
  if (!histogram) return absl::DataLossError("stored distribution contradicts itself");
  return *std::move(histogram);
}

ActivityOfDay FactView::Activity() const {
  constexpr double kFactors[] = {1, 1, 0.9, 0.8};
  for (const ActivityState state :
       {ActivityState::kByInput, ActivityState::kByLogin, ActivityState::kByUptime}) {
    const int at = static_cast<int>(state);
    if (at >= set_.minutes_size() || set_.minutes(at) == 0) continue;
    ActivityOfDay found;
    found.state = state;
    found.active_min = static_cast<int64_t>(set_.minutes(at));
    found.observed_ms =
        at < set_.observed_s_size() ? static_cast<int64_t>(set_.observed_s(at)) * 1000 : 0;
    found.coverage_factor = kFactors[at];
    return found;
  }
  return {};
}

std::span<const MetricFact* const> FactView::Facts(uint32_t metric) const {
  const MetricFact* const* all = set_.metrics().data();
  const auto range = std::equal_range(all, all + set_.metrics_size(), metric, ByMetric());
  return {range.first, range.second};
}

template <typename Visit>
void FactView::Each(uint32_t metric, ActivityState state, const Visit& visit) const {
  const MetricEntry* entry = FindMetric(metric);
  const bool by_activity = entry != nullptr && entry->active_only;
  // Without any active minute there is nothing that happened while active.
  if (by_activity && state == ActivityState::kInactive) return;
  const uint32_t wanted = by_activity ? static_cast<uint32_t>(state) : 0;
  for (const MetricFact* fact : Facts(metric)) {
    if (fact->activity() == wanted) visit(*fact);
  }
}

int64_t FactView::Sum(uint32_t metric, ActivityState state) const {
  int64_t sum = 0;
  Each(metric, state, [&](const MetricFact& fact) { sum = AddWrapping(sum, fact.sum()); });
  return sum;
}

int64_t FactView::Sum(uint32_t metric, std::string_view subject, ActivityState state) const {
  int64_t sum = 0;
  Each(metric, state, [&](const MetricFact& fact) {
    if (fact.subject() == subject) sum = AddWrapping(sum, fact.sum());
  });
  return sum;
}

bool FactView::Has(uint32_t metric, ActivityState state) const {
  bool has = false;
  Each(metric, state, [&](const MetricFact&) { has = true; });
  return has;
}

Histogram FactView::Distribution(uint32_t metric, ActivityState state) const {
  Histogram merged;
  Each(metric, state, [&](const MetricFact& fact) {
    const auto histogram = DecodeDistribution(fact.distribution());
    // A damaged one was refused when it was stored; what cannot be read adds nothing.
    if (histogram.ok()) merged.Merge(*histogram);
  });
  return merged;
}

std::optional<int64_t> FactView::LowestGauge(uint32_t metric) const {
  std::optional<int64_t> lowest;
  for (const MetricFact* fact : Facts(metric)) {
    lowest = lowest ? std::min(*lowest, fact->sum()) : fact->sum();
  }
  return lowest;
}

}  // namespace candor
