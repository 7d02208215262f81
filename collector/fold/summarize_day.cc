#include <algorithm>

#include "candor/v1/envelope.pb.h"
#include "collector/fold/day_values.h"
#include "collector/store/facts.pb.h"
#include "common/registry.h"

namespace candor {
namespace {

constexpr std::array<std::string_view, kWatchedSources> kWatchSubjects = {
    watch::kJournal,  watch::kCoredumps, watch::kTcp,    watch::kProbes,
    watch::kPressure, watch::kThrottle,  watch::kWindows};

// Above any real duration, so that sums of what a laptop claims stay far from overflowing.
constexpr uint64_t kDurationUsMax = uint64_t{7} * 86'400 * 1'000'000;

void AddInterval(int64_t wall_ms, uint64_t duration_us, std::vector<Interval>& out) {
  if (out.size() >= kEventsOfKindMax) return;
  out.push_back({wall_ms * 1000, static_cast<int64_t>(std::min(duration_us, kDurationUsMax))});
}

uint64_t MsToUs(uint64_t ms) { return std::min(ms, kDurationUsMax / 1000) * 1000; }

void AddBoot(int64_t wall_ms, const v1::Boot& boot, DaySummary& out) {
  if (!boot.has_total_us() || boot.installed_updates()) return;
  const uint64_t total = boot.total_us();
  const uint64_t waited = std::min<uint64_t>(boot.passphrase_us(), total);
  AddInterval(wall_ms, total - waited, out.boots);
}

void AddEvent(const DayEvent& at, DaySummary& out) {
  const v1::Event& event = *at.event;
  switch (event.what_case()) {
    case v1::Event::kBootDone:
      AddBoot(at.wall_ms, event.boot_done(), out);
      break;
    case v1::Event::kCrash:
      if (event.crash().owned()) out.app_crashes += 1 + int64_t{event.crash().repeats()};
      break;
    case v1::Event::kSystemFailure:
      if (CountsAsSystemFailure(event.system_failure())) ++out.system_failures;
      break;
    case v1::Event::kHang:
      AddInterval(at.wall_ms, MsToUs(event.hang().duration_ms()), out.hangs);
      break;
    case v1::Event::kSignIn:
      if (event.sign_in().first_on_device()) break;
      AddInterval(at.wall_ms, MsToUs(event.sign_in().duration_ms()), out.sign_ins);
      break;
    case v1::Event::kResume:
      AddInterval(at.wall_ms, MsToUs(event.resume().duration_ms()), out.resumes);
      break;
    default:
      break;
  }
}

std::optional<double> InUnit(std::optional<int64_t> steps, uint32_t metric) {
  if (!steps) return std::nullopt;
  return static_cast<double>(*steps) / FindMetric(metric)->steps_per_unit;
}

}  // namespace

bool CountsAsSystemFailure(const v1::SystemFailure& failure) {
  switch (failure.kind()) {
    case v1::SystemFailure::PANIC:
    case v1::SystemFailure::UNCLEAN_SHUTDOWN:
    case v1::SystemFailure::GPU_RESET:
    case v1::SystemFailure::OUT_OF_MEMORY_KILL:
      return true;
    default:
      return false;
  }
}

DaySummary SummarizeDay(int64_t day, const store::v1::FactSet& facts,
                        std::span<const DayEvent> events) {
  const FactView view(facts);
  DaySummary out;
  out.day = day;
  out.activity = view.Activity();
  const ActivityState state = out.activity.state;
  for (size_t i = 0; i < kWatchedSources; ++i) {
    out.watched_ms[i] = view.Sum(metric::kWatched, kWatchSubjects[i], state);
  }
  out.segments_sent = view.Sum(metric::kSegmentsSent, state);
  out.segments_retransmitted = view.Sum(metric::kSegmentsRetransmitted, state);
  out.offline_s = view.Sum(metric::kOfflineSeconds, state);
  out.online_s = view.Sum(metric::kOnlineSeconds, state);
  out.hang_s = view.Sum(metric::kHangSeconds, state);
  out.memory_stall_ms = view.Sum(metric::kMemoryStall, state);
  out.io_stall_ms = view.Sum(metric::kIoStall, state);
  out.cpu_stall_ms = view.Sum(metric::kCpuStall, state);
  out.throttled_ms = view.Sum(metric::kThrottled, state);
  out.rtt = view.Distribution(metric::kRtt, state);
  out.dns = view.Distribution(metric::kDns, state);
  out.ui_reply = view.Distribution(metric::kUiReply, state);
  out.launch = view.Distribution(metric::kLaunch, state);
  out.disk_free_gib = InUnit(view.LowestGauge(metric::kDiskFree), metric::kDiskFree);
  out.battery_pct = InUnit(view.LowestGauge(metric::kBatteryHealth), metric::kBatteryHealth);
  for (const DayEvent& event : events) AddEvent(event, out);
  return out;
}

}  // namespace candor
