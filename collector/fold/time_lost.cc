#include "collector/fold/time_lost.h"

#include <algorithm>
#include <utility>

#include "common/registry.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr double kUsPerMinute = 60e6;
constexpr double kSecondsPerMinute = 60;

// Time already counted, as disjoint intervals.
class CountedTime {
 public:
  // Counts [begin, end) and gives back how much of it was not counted before.
  int64_t Add(int64_t begin, int64_t end) {
    int64_t fresh = end - begin;
    for (const auto& [from, to] : counted_) {
      fresh -= std::max<int64_t>(0, std::min(end, to) - std::max(begin, from));
    }
    Join(begin, end);
    return fresh;
  }

 private:
  void Join(int64_t begin, int64_t end) {
    std::vector<std::pair<int64_t, int64_t>> apart;
    for (const auto& [from, to] : counted_) {
      if (to < begin || from > end) {
        apart.emplace_back(from, to);
      } else {
        begin = std::min(begin, from);
        end = std::max(end, to);
      }
    }
    apart.emplace_back(begin, end);
    counted_ = std::move(apart);
  }

  std::vector<std::pair<int64_t, int64_t>> counted_;
};

// Minutes of the last part of each interval, beyond `over_s`, that were not counted before.
double Excess(const std::vector<Interval>& intervals, double over_s, CountedTime& counted) {
  const auto over_us = static_cast<int64_t>(over_s * 1e6);
  int64_t us = 0;
  for (const Interval& one : intervals) {
    if (one.duration_us <= over_us) continue;
    us += counted.Add(one.end_us - (one.duration_us - over_us), one.end_us);
  }
  return static_cast<double>(us) / kUsPerMinute;
}

double LaunchExcess(const Histogram& launch, double over_s) {
  const double steps = FindMetric(metric::kLaunch)->steps_per_unit;
  double excess_s = 0;
  for (size_t i = 0; i < launch.buckets().size(); ++i) {
    const double middle =
        Histogram::BucketMiddle(launch.offset() + static_cast<int32_t>(i), launch.scale());
    const double value_s =
        std::clamp(middle, static_cast<double>(launch.min()), static_cast<double>(launch.max())) /
        steps;
    excess_s += static_cast<double>(launch.buckets()[i]) * std::max(0.0, value_s - over_s);
  }
  return excess_s / kSecondsPerMinute;
}

}  // namespace

std::vector<LostTime> TimeLost(const DaySummary& day, const TimeLostModel& model) {
  CountedTime counted;
  const double boot = Excess(day.boots, model.boot_over_s, counted);
  const double signin = Excess(day.sign_ins, model.signin_over_s, counted);
  const double resume = Excess(day.resumes, model.resume_over_s, counted);

  double left = static_cast<double>(day.activity.active_min);
  const auto while_working = [&](double minutes) {
    const double taken = std::min(minutes, left);
    left -= taken;
    return taken;
  };
  const double offline = while_working(static_cast<double>(day.offline_s) / kSecondsPerMinute);
  const double hang = while_working(Excess(day.hangs, 0, counted));
  const double stall = while_working(
      static_cast<double>(std::max(day.memory_stall_ms, day.io_stall_ms)) / kMsPerMinute);
  const double launch = while_working(LaunchExcess(day.launch, model.launch_over_s));

  const LostTime causes[] = {
      {"boot", boot},
      {"signin", signin},
      {"resume", resume},
      {"launch", launch},
      {"hang", hang},
      {"stall", stall},
      {"crash", static_cast<double>(day.app_crashes) * model.app_crash_s / kSecondsPerMinute},
      {"system_failure",
       static_cast<double>(day.system_failures) * model.system_failure_s / kSecondsPerMinute},
      {"offline", offline},
  };
  std::vector<LostTime> lost;
  for (const LostTime& cause : causes) {
    if (cause.minutes > 0) lost.push_back(cause);
  }
  return lost;
}

}  // namespace candor
