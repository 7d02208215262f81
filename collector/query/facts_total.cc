#include "collector/query/facts_total.h"

#include <algorithm>

#include "collector/fold/fact_view.h"
#include "collector/store/facts.pb.h"
#include "common/registry.h"
#include "common/time_units.h"

namespace candor {
namespace {

// The rule for counts: watched for 90 %, or unmeasured.
constexpr double kKnownShareMin = 0.9;

double StepsPerUnit(uint32_t metric) {
  const MetricEntry* entry = FindMetric(metric);
  return entry == nullptr ? 1 : static_cast<double>(entry->steps_per_unit);
}

std::optional<double> InUnit(uint32_t metric, std::optional<double> steps) {
  if (!steps) return std::nullopt;
  return *steps / StepsPerUnit(metric);
}

std::optional<double> PerCent(std::optional<double> part, std::optional<double> whole) {
  if (!whole || *whole <= 0) return std::nullopt;
  return 100 * part.value_or(0) / *whole;
}

void MergeInto(const MetricTotal& from, MetricTotal& into) {
  into.histogram.Merge(from.histogram);
  into.sum += from.sum;
  if (from.latest && (!into.latest || from.latest_ms >= into.latest_ms)) {
    into.latest = from.latest;
    into.latest_ms = from.latest_ms;
  }
}

}  // namespace

void FactsTotal::Add(const store::v1::FactSet& facts) {
  // The same minutes count as active as in the score.
  const ActivityOfDay activity = FactView(facts).Activity();
  active_s_ += static_cast<double>(activity.observed_ms) / kMsPerSecond;
  for (const uint64_t seconds : facts.observed_s()) observed_s_ += static_cast<double>(seconds);
  for (const store::v1::MetricFact& fact : facts.metrics()) {
    AddMetric(fact, static_cast<uint32_t>(activity.state));
  }
}

void FactsTotal::AddMetric(const store::v1::MetricFact& fact, uint32_t active_state) {
  if (!wanted_.empty() && !wanted_.contains(fact.metric())) return;
  const MetricEntry* entry = FindMetric(fact.metric());
  if (entry == nullptr) return;  // from a newer agent
  if (entry->active_only && (active_state == 0 || fact.activity() != active_state)) return;
  MetricTotal total;
  switch (entry->kind) {
    case MetricKind::kDistribution:
      if (auto histogram = DecodeDistribution(fact.distribution()); histogram.ok()) {
        total.histogram = *std::move(histogram);
      }
      break;
    case MetricKind::kCounter:
      total.sum = fact.sum();
      break;
    case MetricKind::kGauge:
      total.latest = fact.sum();
      total.latest_ms = fact.last_wall_ms();
      break;
  }
  MergeInto(total, metrics_[Key(fact.metric(), fact.subject())]);
}

void FactsTotal::Clear() {
  metrics_.clear();
  active_s_ = 0;
  observed_s_ = 0;
}

MetricTotal FactsTotal::Over(uint32_t metric) const {
  MetricTotal all;
  for (auto at = metrics_.lower_bound(Key(metric, "")); at != metrics_.end(); ++at) {
    if (at->first.first != metric) break;
    MergeInto(at->second, all);
  }
  return all;
}

std::optional<double> FactsTotal::Sum(uint32_t metric) const {
  const auto at = metrics_.lower_bound(Key(metric, ""));
  if (at == metrics_.end() || at->first.first != metric) return std::nullopt;
  return InUnit(metric, static_cast<double>(Over(metric).sum));
}

std::optional<double> FactsTotal::Sum(uint32_t metric, const std::string& subject) const {
  const auto at = metrics_.find(Key(metric, subject));
  if (at == metrics_.end()) return std::nullopt;
  return InUnit(metric, static_cast<double>(at->second.sum));
}

std::optional<double> FactsTotal::Quantile(uint32_t metric, double q) const {
  return InUnit(metric, Over(metric).histogram.Quantile(q));
}

std::optional<double> FactsTotal::Quantile(uint32_t metric, const std::string& subject,
                                           double q) const {
  const auto at = metrics_.find(Key(metric, subject));
  if (at == metrics_.end()) return std::nullopt;
  return InUnit(metric, at->second.histogram.Quantile(q));
}

std::optional<double> FactsTotal::Latest(uint32_t metric) const {
  const MetricTotal total = Over(metric);
  if (!total.latest) return std::nullopt;
  return InUnit(metric, static_cast<double>(*total.latest));
}

std::optional<double> FactsTotal::LossPct() const {
  return PerCent(Sum(metric::kSegmentsRetransmitted), Sum(metric::kSegmentsSent));
}

std::optional<double> FactsTotal::OfflinePct() const {
  const auto offline = Sum(metric::kOfflineSeconds);
  const auto online = Sum(metric::kOnlineSeconds);
  if (!offline && !online) return std::nullopt;
  return PerCent(offline, offline.value_or(0) + online.value_or(0));
}

// Seconds are whole, and each belongs to one cause.
bool FactsTotal::CausesKnown() const {
  const double offline_s = Sum(metric::kOfflineSeconds).value_or(0);
  return Sum(metric::kOfflineCauseSeconds).value_or(0) >= kKnownShareMin * offline_s;
}

std::optional<double> FactsTotal::OfflineCausePct(std::string_view cause) const {
  if (!OfflinePct() || !CausesKnown()) return std::nullopt;
  return PerCent(
      Sum(metric::kOfflineCauseSeconds, std::string(cause)),
      Sum(metric::kOfflineSeconds).value_or(0) + Sum(metric::kOnlineSeconds).value_or(0));
}

std::optional<std::string> FactsTotal::MainOfflineCause() const {
  if (!CausesKnown()) return std::nullopt;
  std::optional<std::string> main;
  int64_t most_s = 0;
  for (auto at = metrics_.lower_bound(Key(metric::kOfflineCauseSeconds, ""));
       at != metrics_.end() && at->first.first == metric::kOfflineCauseSeconds; ++at) {
    if (at->second.sum <= most_s) continue;
    most_s = at->second.sum;
    main = at->first.second;
  }
  return main;
}

std::optional<double> FactsTotal::PartPct(uint32_t part, uint32_t whole) const {
  const auto counted = Sum(part);
  return counted ? PerCent(counted, Sum(whole)) : std::nullopt;
}

std::optional<double> FactsTotal::PartPct(uint32_t part, uint32_t whole,
                                          const std::string& subject) const {
  const auto counted = Sum(part, subject);
  return counted ? PerCent(counted, Sum(whole, subject)) : std::nullopt;
}

std::optional<double> FactsTotal::AnHour(uint32_t metric, std::string_view watched) const {
  const auto counted = Sum(metric);
  const auto watched_ms = Sum(metric::kWatched, std::string(watched));
  if (!counted || !watched_ms || *watched_ms <= 0) return std::nullopt;
  return *counted / (*watched_ms / kMsPerHour);
}

std::optional<double> FactsTotal::NoLinkPct() const {
  const auto no_link = Sum(metric::kNoLinkSeconds);
  const auto offline = Sum(metric::kOfflineSeconds);
  const auto online = Sum(metric::kOnlineSeconds);
  if (!no_link && !offline && !online) return std::nullopt;
  return PerCent(no_link, no_link.value_or(0) + offline.value_or(0) + online.value_or(0));
}

std::optional<double> FactsTotal::FailurePct(const std::string& subject) const {
  return PerCent(Sum(metric::kProbeFailures, subject), Sum(metric::kProbes, subject));
}

std::optional<double> FactsTotal::FailurePct() const {
  return PerCent(Sum(metric::kProbeFailures), Sum(metric::kProbes));
}

std::optional<double> FactsTotal::SharePct(uint32_t metric, std::string_view watched) const {
  const auto watched_ms = Sum(metric::kWatched, std::string(watched));
  const auto part_ms = Sum(metric);
  if (watched_ms) return PerCent(part_ms, watched_ms);
  // A source that does not tell how long it was watched is taken over the active time.
  return part_ms ? PerCent(part_ms, active_s_ * kMsPerSecond) : std::nullopt;
}

std::optional<double> FactsTotal::StallPct() const {
  const auto memory = SharePct(metric::kMemoryStall, watch::kPressure);
  const auto io = SharePct(metric::kIoStall, watch::kPressure);
  if (!memory && !io) return std::nullopt;
  return std::max(memory.value_or(0), io.value_or(0));
}

}  // namespace candor
