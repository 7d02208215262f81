#include "tools/loadgen/minute_values.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "common/time_units.h"
#include "tools/loadgen/catalogue.h"

namespace candor::loadgen {
namespace {

// Values that change slowly, and what the uplink measures in a push, come every five minutes.
constexpr int kSlowEvery = 5;
constexpr int kIdleProbesEvery = 5;

size_t TruthIndex(uint32_t metric) {
  for (size_t i = 0; i < kTruthMetrics.size(); ++i) {
    if (kTruthMetrics[i].metric == metric) return i;
  }
  return kTruthMetrics.size();
}

// Writes windows in the order it is called, which must be that of (metric, subject).
class MinuteWriter {
 public:
  MinuteWriter(MinuteWindows& minute, LaptopDay& day, bool active)
      : minute_(minute), day_(day), active_(active) {}

  void Sum(uint32_t metric, std::string_view subject, int64_t sum) {
    minute_.windows.push_back({metric, std::string(subject), sum, {}});
  }
  // A distribution of `count` draws around `middle`, in the metric's resolution.
  void Values(uint32_t metric, std::string_view subject, int count, double middle, double sigma,
              Draw& draw, double highest) {
    if (count <= 0) return;
    const size_t truth = TruthIndex(metric);
    const int64_t grid = truth < kTruthMetrics.size() ? kTruthMetrics[truth].grid : 1;
    Window window{metric, std::string(subject), 0, {}};
    for (int i = 0; i < count; ++i) {
      const double drawn = std::min(draw.Around(middle, sigma), highest);
      const auto steps = std::max<int64_t>(std::llround(drawn / static_cast<double>(grid)), 1);
      window.histogram.Add(steps * grid);
      if (active_ && truth < kTruthMetrics.size()) {
        day_.active_values[truth].push_back(steps * grid);
      }
    }
    minute_.windows.push_back(std::move(window));
  }

 private:
  MinuteWindows& minute_;
  LaptopDay& day_;
  bool active_;
};

// The services take turns, one a minute; while nobody works, one every five minutes.
bool Probes(const MinuteKind& kind) { return kind.active || kind.of_day % kIdleProbesEvery == 0; }

std::string_view ProbedService(const MinuteKind& kind) {
  return Services()[static_cast<size_t>(kind.of_day) % Services().size()];
}

void MeasureProbes(const Site& site, const DeviceProfile& p, const MinuteKind& kind, Draw& draw,
                   MinuteWriter& out) {
  if (!kind.link || kind.offline || !Probes(kind)) return;
  const std::string_view service = ProbedService(kind);
  const double sigma = site.loss > 0.01 ? 0.55 : 0.30;
  const double far = 1.0 + 0.2 * (kind.of_day % static_cast<int>(Services().size()));
  const double rtt_us = site.rtt_ms * far * p.pace * 1000;
  out.Values(metric::kRtt, service, 1, rtt_us, sigma, draw, 4.9e6);
  out.Values(metric::kDns, service, 1, site.dns_ms * p.pace * 1000, 0.5, draw, 4.9e6);
  if (kind.of_day % kSlowEvery != 0) return;
  out.Values(metric::kTls, service, 1, rtt_us * 2.2, sigma, draw, 9e6);
  out.Values(metric::kFirstByte, service, 1, rtt_us * 3 + 40'000, 0.4, draw, 9e6);
}

void MeasureSegments(const Site& site, const DeviceProfile& p, const MinuteKind& kind, Draw& draw,
                     MinuteWriter& out) {
  if (!kind.link || kind.offline) return;
  const auto sent = static_cast<int64_t>(draw.Around(kind.active ? 1800 : 60, 0.7)) + 10;
  const double expected = static_cast<double>(sent) * site.loss;
  out.Sum(metric::kSegmentsSent, "", sent);
  out.Sum(metric::kSegmentsRetransmitted, "",
          std::min<int64_t>(draw.Poisson(std::min(expected, 20.0)) +
                                static_cast<int64_t>(std::max(expected - 20.0, 0.0)),
                            sent));
  out.Values(metric::kPassiveRtt, "", 1, site.rtt_ms * 1.1 * p.pace * 1000, 0.4, draw, 4.9e6);
}

void MeasureReach(const MinuteKind& kind, MinuteWriter& out) {
  if (Probes(kind) && kind.link) {
    out.Sum(metric::kProbes, ProbedService(kind), 1);
    if (kind.offline) out.Sum(metric::kProbeFailures, ProbedService(kind), 1);
  }
  if (kind.link && kind.offline) out.Sum(metric::kOfflineSeconds, "", 60);
  if (kind.link && !kind.offline) out.Sum(metric::kOnlineSeconds, "", 60);
  if (!kind.link) out.Sum(metric::kNoLinkSeconds, "", 60);
}

void MeasureStalls(const Model& model, const DeviceProfile& p, const MinuteKind& kind, Draw& draw,
                   MinuteWriter& out) {
  const double busy = kind.active ? 1.0 : 0.2;
  const auto stall = [&](double share, double sigma) {
    const double drawn = draw.Around(share * busy * p.pace, sigma);
    return static_cast<int64_t>(std::min(drawn, 0.95) * kMsPerMinute);
  };
  out.Sum(metric::kCpuStall, "", stall(0.09, 0.6));
  out.Sum(metric::kMemoryStall, "", stall(0.002, 0.8));
  out.Sum(metric::kIoStall, "", stall(model.io_stall_share, 0.35));
}

void MeasureReplies(const Model& model, const DeviceProfile& p, const MinuteKind& kind, Draw& draw,
                    MinuteWriter& out) {
  if (!kind.active) return;
  if (p.windows_answer) {
    out.Values(metric::kUiReply, "", 2, model.ui_reply_ms * p.pace * 1000, 0.6, draw, 4.9e6);
    if (kind.hang_ms > 0) out.Sum(metric::kHangSeconds, "", kind.hang_ms / 1000);
  }
  if (draw.Chance(0.06)) {
    const double slow = 1.0 + model.io_stall_share * 8;
    out.Values(metric::kLaunch, "", 1, 1.3 * slow * p.pace * 1000, 0.4, draw, 59'000);
  }
}

void MeasureHealth(const Model& model, const DeviceProfile& p, const MinuteKind& kind, Draw& draw,
                   MinuteWriter& out) {
  if (kind.of_day % kSlowEvery == 0) {
    out.Sum(metric::kDiskFree, "", std::llround(kind.disk_free_gib * 1024));
    if (model.battery) out.Sum(metric::kBatteryHealth, "", std::llround(p.battery_pct * 100));
  }
  if (kind.active && draw.Chance(0.015)) {
    out.Sum(metric::kThrottled, "", draw.Whole(2'000, 9'000));
  }
  if (kind.of_day % kSlowEvery == 0) {
    out.Values(metric::kMemoryAvailable, "", 1, 6'200, 0.15, draw, 15'000);
  }
}

void MeasureAgent(const MinuteKind& kind, Draw& draw, MinuteWriter& out) {
  if (kind.of_day % kSlowEvery == 0) {
    out.Sum(metric::kAgentCpu, "daemon", draw.Whole(12, 40));
    out.Sum(metric::kAgentCpu, "uplink", draw.Whole(30, 60));
    out.Sum(metric::kAgentMemory, "daemon", draw.Whole(5'000, 6'200));
    out.Sum(metric::kAgentWakeups, "daemon", draw.Whole(40, 90));
    out.Sum(metric::kAgentBytesSent, "uplink", draw.Whole(3'000, 9'000));
    out.Sum(metric::kAgentDiskWrites, "daemon", draw.Whole(40'000, 160'000));
  }
}

void MeasureWatches(const DeviceProfile& p, MinuteWriter& out) {
  for (const std::string_view source : {watch::kJournal, watch::kCoredumps, watch::kPressure,
                                        watch::kProbes, watch::kTcp, watch::kThrottle}) {
    out.Sum(metric::kWatched, source, kMsPerMinute);
  }
  if (p.windows_answer) out.Sum(metric::kWatched, watch::kWindows, kMsPerMinute);
}

}  // namespace

void MeasureMinute(const DeviceProfile& profile, const MinuteKind& kind, Draw& draw,
                   MinuteWindows& minute, LaptopDay& day) {
  const Site& site = Sites()[profile.site];
  const Model& model = Models()[profile.model];
  MinuteWriter out(minute, day, kind.active);
  // By the metrics' numbers.
  MeasureProbes(site, profile, kind, draw, out);
  MeasureSegments(site, profile, kind, draw, out);
  MeasureReach(kind, out);
  MeasureStalls(model, profile, kind, draw, out);
  MeasureReplies(model, profile, kind, draw, out);
  MeasureHealth(model, profile, kind, draw, out);
  MeasureAgent(kind, draw, out);
  MeasureWatches(profile, out);
}

}  // namespace candor::loadgen
