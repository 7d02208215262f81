// Day facts of many device-days added up: histograms merged exactly, counters summed. Only what
// belongs to active time counts for metrics that say so (registry: active_only).
//
// Plain value, no locks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/histogram.h"

namespace candor::store::v1 {
class FactSet;
class MetricFact;
}  // namespace candor::store::v1

namespace candor {

struct MetricTotal {
  Histogram histogram;  // distributions
  int64_t sum = 0;      // counters
  // Gauges: the latest value, and when it was.
  std::optional<int64_t> latest;
  int64_t latest_ms = 0;
};

class FactsTotal {
 public:
  // `metrics`: numbers to keep; empty keeps all.
  explicit FactsTotal(std::set<uint32_t> metrics = {}) : wanted_(std::move(metrics)) {}

  void Add(const store::v1::FactSet& facts);
  void Clear();

  using Key = std::pair<uint32_t, std::string>;  // metric, subject
  const std::map<Key, MetricTotal>& metrics() const { return metrics_; }
  // One metric over all of its subjects.
  MetricTotal Over(uint32_t metric) const;
  // The sum of a counter over all of its subjects, in the metric's unit; nothing where it was never
  // seen.
  std::optional<double> Sum(uint32_t metric) const;
  std::optional<double> Sum(uint32_t metric, const std::string& subject) const;
  // A quantile of a distribution in the metric's unit, over all subjects or of one.
  std::optional<double> Quantile(uint32_t metric, double q) const;
  std::optional<double> Quantile(uint32_t metric, const std::string& subject, double q) const;
  std::optional<double> Latest(uint32_t metric) const;

  // Shares in per cent; nothing where the denominator was not measured.
  std::optional<double> LossPct() const;
  std::optional<double> OfflinePct() const;  // of the time with a link
  std::optional<double> NoLinkPct() const;   // of all time watched
  // Time offline for one cause (common/registry.h), of the time with a link, and the cause that
  // took most of it; nothing where agents that do not tell causes were offline, too.
  std::optional<double> OfflineCausePct(std::string_view cause) const;
  std::optional<std::string> MainOfflineCause() const;
  // One counter of another, in per cent; nothing where either was never seen.
  std::optional<double> PartPct(uint32_t part, uint32_t whole) const;
  std::optional<double> PartPct(uint32_t part, uint32_t whole, const std::string& subject) const;
  // A counter an hour of active time in which its source was watched.
  std::optional<double> AnHour(uint32_t metric, std::string_view watched) const;
  std::optional<double> FailurePct(const std::string& subject) const;  // of a service's probes
  std::optional<double> FailurePct() const;
  // A counter of milliseconds against the active time its source was watched.
  std::optional<double> SharePct(uint32_t metric, std::string_view watched) const;
  // The worse of memory and I/O.
  std::optional<double> StallPct() const;

  // Seconds that were observed and active, and all observed ones. Never shown.
  double active_s() const { return active_s_; }
  double observed_s() const { return observed_s_; }

 private:
  bool CausesKnown() const;
  void AddMetric(const store::v1::MetricFact& fact, uint32_t active_state);
  std::set<uint32_t> wanted_;
  std::map<Key, MetricTotal> metrics_;
  double active_s_ = 0;
  double observed_s_ = 0;
};

}  // namespace candor
