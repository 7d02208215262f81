// One simulated day of one laptop: its minutes with their windows, and what happened. Pure: the
// same plan, profile and day give the same day.
//
// The values of the metrics in kTruthMetrics are kept one by one as well, so that exact quantiles
// can be told later; everything else can be counted from the windows themselves.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "candor/v1/envelope.pb.h"
#include "common/columns.h"
#include "common/registry.h"
#include "tools/loadgen/fleet.h"

namespace candor::loadgen {

// Distributions whose single values are kept for the truth, each on a grid (a raw value is a
// multiple of it), so that exact quantiles need bounded memory.
struct TruthMetric {
  uint32_t metric;
  int64_t grid;  // in the metric's resolution
};
inline constexpr std::array<TruthMetric, 4> kTruthMetrics = {{
    {metric::kRtt, 50},
    {metric::kDns, 50},
    {metric::kUiReply, 100},
    {metric::kLaunch, 5},
}};

struct LaptopEvent {
  std::string boot_id;
  v1::Event event;
};

struct LaptopDay {
  int day = 0;  // counted from the plan's first day
  std::vector<MinuteWindows> minutes;
  std::vector<LaptopEvent> events;  // by time
  // Values seen in active minutes, one list for each of kTruthMetrics.
  std::array<std::vector<int64_t>, kTruthMetrics.size()> active_values;
};

// What goes on from one day to the next.
struct LaptopState {
  std::string boot_id;
  int64_t boot_wall_ms = 0;
  bool known = false;  // the first inventory was told
  bool fell = false;   // the last session ended in an unclean shutdown
  double disk_free_gib = 0;
};

// Fills `out` (cleared first; its memory is used again). A day on which nobody works is left empty.
void PlayDay(const FleetPlan& plan, const DeviceProfile& profile, int day, LaptopState& state,
             LaptopDay& out);

}  // namespace candor::loadgen
