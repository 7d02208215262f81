// The eighteen measures a score is made of: their names, and what kind of figure each is. A model
// (model.h) says which of them count, how much, and over which curve; collector/fold/day_values.h
// says how each is derived from what laptops sent.
//
// Plain data, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace candor {

enum class ScoreMetric : size_t {
  kBoot,
  kSignIn,
  kResume,
  kAppCrashes,
  kAppHangs,
  kSystemFailures,
  kRtt,
  kLoss,
  kDns,
  kOffline,
  kUiReply,
  kHang,
  kLaunch,
  kStall,
  kCpuWait,
  kDiskFree,
  kBattery,
  kThrottle,
};
constexpr size_t kScoreMetrics = 18;

enum class ValueKind {
  kMedian,    // of the events in the trailing window
  kQuantile,  // of the day's merged histograms
  kRate,      // events in the trailing window per active day
  kCount,     // events in the trailing window
  kShare,     // per cent of the day, in hundredths
  kLatest,    // last value of the day
};

struct ScoreMetricEntry {
  ScoreMetric metric;
  std::string_view name;  // carries its unit
  std::string_view unit;  // as people write it
  ValueKind kind;
};

// In the order of the enumeration.
const std::array<ScoreMetricEntry, kScoreMetrics>& ScoreMetrics();
const ScoreMetricEntry& EntryOf(ScoreMetric metric);
std::optional<ScoreMetric> FindScoreMetric(std::string_view name);

// The word for a kind in a model file.
std::string_view ValueKindName(ValueKind kind);

// One optional value for each metric, in the metric's own unit.
using MetricValues = std::array<std::optional<double>, kScoreMetrics>;

constexpr size_t IndexOf(ScoreMetric metric) { return static_cast<size_t>(metric); }

}  // namespace candor
