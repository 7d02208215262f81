// The eighteen values of a device-day, its score and its time lost, from the facts of that day and
// of those before it. Every rule of how a value comes about is here.
//
// Two steps: SummarizeDay reduces one device-day's facts and events to what its own score and later
// ones need of it; DeriveDay takes the summaries of the trailing days (as many as the model's
// widest window) and a model. Both are pure functions: same facts, events and model, same bits.
//
// Active minutes are those of the best kind of activity seen that day (fact_view.h).
//
// - boot_s: median of (total − passphrase wait) of the boots in the window, without those that
//   installed updates
// - signin_s: median of the sign-ins in the window, without a person's first on this device
// - resume_s: median of the wake-ups in the window
// - app_crashes, app_hangs: crashes of owned programs, and hangs, in the window ÷ its active days,
//   at least one. An active day is one that is not provisional
// - system_failures: panics, unclean shutdowns, GPU resets and out-of-memory kills in the window
// - rtt_ms, dns_ms, ui_reply_ms, launch_s: a quantile of the day's active windows, all services or
//   applications together
// - loss_pct: retransmitted ÷ sent segments while active
// - offline_pct: offline ÷ (offline + online) seconds while active, so of time with a link
// - hang_pct, cpu_wait_pct, throttle_pct: hanging, CPU stall, throttled ÷ watched time while active
// - stall_pct: the worse of memory and I/O stall ÷ watched time while active
// - disk_free_gib, battery_pct: latest of the day; the lowest where there are several
//
// Counts and shares are measured only where their source was watched for the model's share (0.90)
// of the active time of their window; with no active time at all they are not. A share's
// denominator is the watched time: what nobody watched is not taken for good.
//
// No value tells how long somebody worked, so that scores can be shown in full precision: a count
// is per day and not per hour, and a share is in hundredths of a per cent, for the exact ratio of
// two whole numbers of seconds would give both of them away (by continued fractions).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/fold/fact_view.h"
#include "collector/score/score.h"
#include "common/histogram.h"

namespace candor::v1 {
class Event;
class SystemFailure;
}  // namespace candor::v1
namespace candor::store::v1 {
class FactSet;
}

namespace candor {

enum class WatchedSource : size_t {
  kJournal,
  kCoredumps,
  kTcp,
  kProbes,
  kPressure,
  kThrottle,
  kWindows
};
constexpr size_t kWatchedSources = 7;

// An event as stored: when it was (skew-corrected), and what.
struct DayEvent {
  int64_t wall_ms = 0;
  const v1::Event* event = nullptr;
};

// Something that took time, ending at `end_us`.
struct Interval {
  int64_t end_us = 0;
  int64_t duration_us = 0;
};

// Events of one kind that count on one day; more are a fault of the laptop's, and left out.
constexpr size_t kEventsOfKindMax = 1'000;

struct DaySummary {
  int64_t day = 0;
  ActivityOfDay activity;
  std::array<int64_t, kWatchedSources> watched_ms{};

  // Events of the day.
  std::vector<Interval> boots;
  std::vector<Interval> sign_ins;
  std::vector<Interval> resumes;
  std::vector<Interval> hangs;
  int64_t app_crashes = 0;
  int64_t system_failures = 0;

  // Sums over the day's active minutes.
  int64_t segments_sent = 0;
  int64_t segments_retransmitted = 0;
  int64_t offline_s = 0;
  int64_t online_s = 0;
  int64_t hang_s = 0;
  int64_t memory_stall_ms = 0;
  int64_t io_stall_ms = 0;
  int64_t cpu_stall_ms = 0;
  int64_t throttled_ms = 0;
  Histogram rtt;
  Histogram dns;
  Histogram ui_reply;
  Histogram launch;
  std::optional<double> disk_free_gib;
  std::optional<double> battery_pct;
};

struct LostTime {
  std::string_view
      cause;  // boot, signin, resume, launch, hang, stall, crash, system_failure, offline
  double minutes = 0;
};

struct DeviceDay {
  int64_t day = 0;
  ActivityOfDay activity;
  MetricValues values;
  Score score;
  std::vector<LostTime> lost;  // causes with any, in a fixed order
  double lost_min = 0;
};

// False for what is shown and not scored: a hung task.
bool CountsAsSystemFailure(const v1::SystemFailure& failure);

// `events` in the order of table event.
DaySummary SummarizeDay(int64_t day, const store::v1::FactSet& facts,
                        std::span<const DayEvent> events);

// `days` ascend by day and end with the day that is derived; days without any facts are absent, and
// those that no window of the model reaches are passed over.
DeviceDay DeriveDay(std::span<const DaySummary> days, const Model& model);

// The day's values only.
MetricValues DeriveValues(std::span<const DaySummary> days, const Model& model);

}  // namespace candor
