#include "collector/score/metrics.h"

#include <algorithm>

namespace candor {

const std::array<ScoreMetricEntry, kScoreMetrics>& ScoreMetrics() {
  static constexpr std::array<ScoreMetricEntry, kScoreMetrics> kEntries = {{
      {ScoreMetric::kBoot, "boot_s", "s", ValueKind::kMedian},
      {ScoreMetric::kSignIn, "signin_s", "s", ValueKind::kMedian},
      {ScoreMetric::kResume, "resume_s", "s", ValueKind::kMedian},
      {ScoreMetric::kAppCrashes, "app_crashes", "per day", ValueKind::kRate},
      {ScoreMetric::kAppHangs, "app_hangs", "per day", ValueKind::kRate},
      {ScoreMetric::kSystemFailures, "system_failures", "", ValueKind::kCount},
      {ScoreMetric::kRtt, "rtt_ms", "ms", ValueKind::kQuantile},
      {ScoreMetric::kLoss, "loss_pct", "%", ValueKind::kShare},
      {ScoreMetric::kDns, "dns_ms", "ms", ValueKind::kQuantile},
      {ScoreMetric::kOffline, "offline_pct", "%", ValueKind::kShare},
      {ScoreMetric::kUiReply, "ui_reply_ms", "ms", ValueKind::kQuantile},
      {ScoreMetric::kHang, "hang_pct", "%", ValueKind::kShare},
      {ScoreMetric::kLaunch, "launch_s", "s", ValueKind::kQuantile},
      {ScoreMetric::kStall, "stall_pct", "%", ValueKind::kShare},
      {ScoreMetric::kCpuWait, "cpu_wait_pct", "%", ValueKind::kShare},
      {ScoreMetric::kDiskFree, "disk_free_gib", "GiB", ValueKind::kLatest},
      {ScoreMetric::kBattery, "battery_pct", "%", ValueKind::kLatest},
      {ScoreMetric::kThrottle, "throttle_pct", "%", ValueKind::kShare},
  }};
  return kEntries;
}

const ScoreMetricEntry& EntryOf(ScoreMetric metric) { return ScoreMetrics()[IndexOf(metric)]; }

std::optional<ScoreMetric> FindScoreMetric(std::string_view name) {
  const auto& all = ScoreMetrics();
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.name == name; });
  if (at == all.end()) return std::nullopt;
  return at->metric;
}

std::string_view ValueKindName(ValueKind kind) {
  switch (kind) {
    case ValueKind::kMedian:
      return "median";
    case ValueKind::kQuantile:
      return "quantile";
    case ValueKind::kRate:
      return "rate";
    case ValueKind::kCount:
      return "count";
    case ValueKind::kShare:
      return "share";
    case ValueKind::kLatest:
      return "latest";
  }
  return "unknown";
}

}  // namespace candor
