#include "collector/fold/day_values.h"

#include <algorithm>
#include <cmath>

#include "collector/fold/time_lost.h"
#include "common/registry.h"
#include "common/time_units.h"

namespace candor {
namespace {

double InUnit(double steps, uint32_t metric) { return steps / FindMetric(metric)->steps_per_unit; }

// The trailing days of one metric's window.
class TrailingDays {
 public:
  TrailingDays(std::span<const DaySummary> days, int window_days, const Model& model)
      : model_(model) {
    const int64_t first = days.back().day - window_days + 1;
    const auto begin = std::find_if(days.begin(), days.end(),
                                    [&](const DaySummary& day) { return day.day >= first; });
    days_ = {begin, days.end()};
  }

  std::optional<double> Median(std::vector<Interval> DaySummary::*events) const {
    std::vector<int64_t> us;
    for (const DaySummary& day : days_) {
      for (const Interval& one : day.*events) us.push_back(one.duration_us);
    }
    if (us.empty()) return std::nullopt;
    std::sort(us.begin(), us.end());
    const size_t half = us.size() / 2;
    const double middle = us.size() % 2 == 1 ? static_cast<double>(us[half])
                                             : static_cast<double>(us[half - 1] + us[half]) / 2;
    return middle / kUsPerSecond;
  }

  bool Watched(WatchedSource source) const {
    int64_t active_ms = 0;
    int64_t watched_ms = 0;
    for (const DaySummary& day : days_) {
      active_ms += day.activity.observed_ms;
      watched_ms += day.watched_ms[static_cast<size_t>(source)];
    }
    return active_ms > 0 && static_cast<double>(watched_ms) >=
                                model_.watched_share_min * static_cast<double>(active_ms);
  }

  template <typename Count>
  std::optional<double> Total(WatchedSource source, const Count& count) const {
    if (!Watched(source)) return std::nullopt;
    int64_t total = 0;
    for (const DaySummary& day : days_) total += count(day);
    return static_cast<double>(total);
  }

  template <typename Count>
  std::optional<double> Rate(WatchedSource source, const Count& count) const {
    const std::optional<double> total = Total(source, count);
    if (!total) return std::nullopt;
    const auto active_days = std::count_if(days_.begin(), days_.end(), [&](const DaySummary& day) {
      return static_cast<double>(day.activity.active_min) >= model_.provisional_below_min;
    });
    return *total / static_cast<double>(std::max<int64_t>(active_days, 1));
  }

 private:
  const Model& model_;
  std::span<const DaySummary> days_;
};

std::optional<double> Share(int64_t part, int64_t whole) {
  if (whole <= 0) return std::nullopt;
  const double hundredths = 10'000 * static_cast<double>(part) / static_cast<double>(whole);
  return std::min(100.0, std::round(hundredths) / 100);
}

std::optional<double> ShareOfWatched(const TrailingDays& window, const DaySummary& day,
                                     WatchedSource source, int64_t part_ms) {
  if (!window.Watched(source)) return std::nullopt;
  return Share(part_ms, day.watched_ms[static_cast<size_t>(source)]);
}

std::optional<double> QuantileOf(const Histogram& histogram, double q, uint32_t metric) {
  const std::optional<double> steps = histogram.Quantile(q);
  if (!steps) return std::nullopt;
  return InUnit(*steps, metric);
}

std::optional<double> ValueOf(const MetricModel& metric, const TrailingDays& window,
                              const DaySummary& day) {
  const auto crashes = [](const DaySummary& d) { return d.app_crashes; };
  const auto hangs = [](const DaySummary& d) { return static_cast<int64_t>(d.hangs.size()); };
  const auto failures = [](const DaySummary& d) { return d.system_failures; };
  switch (metric.metric) {
    case ScoreMetric::kBoot:
      return window.Median(&DaySummary::boots);
    case ScoreMetric::kSignIn:
      return window.Median(&DaySummary::sign_ins);
    case ScoreMetric::kResume:
      return window.Median(&DaySummary::resumes);
    case ScoreMetric::kAppCrashes:
      return window.Rate(WatchedSource::kCoredumps, crashes);
    case ScoreMetric::kAppHangs:
      return window.Rate(WatchedSource::kWindows, hangs);
    case ScoreMetric::kSystemFailures:
      return window.Total(WatchedSource::kJournal, failures);
    case ScoreMetric::kRtt:
      return QuantileOf(day.rtt, metric.quantile, metric::kRtt);
    case ScoreMetric::kLoss:
      if (!window.Watched(WatchedSource::kTcp)) return std::nullopt;
      return Share(day.segments_retransmitted, day.segments_sent);
    case ScoreMetric::kDns:
      return QuantileOf(day.dns, metric.quantile, metric::kDns);
    case ScoreMetric::kOffline:
      if (!window.Watched(WatchedSource::kProbes)) return std::nullopt;
      return Share(day.offline_s, day.offline_s + day.online_s);
    case ScoreMetric::kUiReply:
      return QuantileOf(day.ui_reply, metric.quantile, metric::kUiReply);
    case ScoreMetric::kHang:
      return ShareOfWatched(window, day, WatchedSource::kWindows, day.hang_s * 1000);
    case ScoreMetric::kLaunch:
      return QuantileOf(day.launch, metric.quantile, metric::kLaunch);
    case ScoreMetric::kStall:
      return ShareOfWatched(window, day, WatchedSource::kPressure,
                            std::max(day.memory_stall_ms, day.io_stall_ms));
    case ScoreMetric::kCpuWait:
      return ShareOfWatched(window, day, WatchedSource::kPressure, day.cpu_stall_ms);
    case ScoreMetric::kDiskFree:
      return day.disk_free_gib;
    case ScoreMetric::kBattery:
      return day.battery_pct;
    case ScoreMetric::kThrottle:
      return ShareOfWatched(window, day, WatchedSource::kThrottle, day.throttled_ms);
  }
  return std::nullopt;
}

}  // namespace

MetricValues DeriveValues(std::span<const DaySummary> days, const Model& model) {
  MetricValues values;
  for (const DomainModel& domain : model.domains) {
    for (const MetricModel& metric : domain.metrics) {
      const TrailingDays window(days, metric.window_days, model);
      values[IndexOf(metric.metric)] = ValueOf(metric, window, days.back());
    }
  }
  return values;
}

DeviceDay DeriveDay(std::span<const DaySummary> days, const Model& model) {
  const DaySummary& day = days.back();
  DeviceDay out;
  out.day = day.day;
  out.activity = day.activity;
  out.values = DeriveValues(days, model);
  ScoreFacts facts;
  facts.active_min = static_cast<double>(day.activity.active_min);
  facts.coverage_factor = day.activity.coverage_factor;
  facts.values = out.values;
  out.score = ComputeScore(model, facts);
  out.lost = TimeLost(day, model.time_lost);
  for (const LostTime& lost : out.lost) out.lost_min += lost.minutes;
  return out;
}

}  // namespace candor
