#include "tools/loadgen/fleet.h"

#include <algorithm>
#include <cstdio>

#include "tools/loadgen/catalogue.h"
#include "tools/loadgen/draw.h"

namespace candor::loadgen {
namespace {

constexpr uint64_t kProfilePurpose = 1;
constexpr uint64_t kEpochPurpose = 2;

// Deals the slots so that 20 neighbours hold each slot once (the strides have no divisor in common
// with 20) and the lists shift against each other from one group of 20 to the next.
void DealSlots(DeviceProfile& p) {
  const uint32_t i = p.index;
  const uint32_t group = i / kSlots;
  p.site = SiteAt(i * 7 + 19);
  p.model = ModelAt(i * 3 + group * 3 + 11);
  p.department = DepartmentAt(i * 11 + group * 7);
  p.system = SystemAt(i * 13 + group * 9 + 2);
  p.troubled_version = (i * 17 + group * 11 + 5) % kSlots < kTroubledVersionSlots;
}

void DrawHabits(Draw& draw, const FleetPlan& plan, DeviceProfile& p) {
  const auto days = static_cast<int>(plan.days);
  p.windows_answer = !draw.Chance(0.10);
  p.session_seen = !draw.Chance(0.05);
  p.sleeps_overnight = draw.Chance(0.35);
  p.start_min = static_cast<int>(draw.Whole(7 * 60 + 15, 9 * 60 + 15));
  // Home before 18:45, so that no site's evening reaches into the next day in UTC.
  p.work_min =
      static_cast<int>(std::min<int64_t>(draw.Whole(470, 560), 18 * 60 + 40 - p.start_min));
  p.pace = draw.Around(1.0, 0.06);
  p.battery_pct = draw.Chance(0.08) ? draw.Between(30, 60) : draw.Between(72, 100);
  p.disk_free_gib = Models()[p.model].disk_gib *
                    (draw.Chance(0.06) ? draw.Between(0.008, 0.03) : draw.Between(0.2, 0.8));
  if (draw.Chance(0.6)) p.kernel_update_day = static_cast<int>(draw.Whole(days / 2, days));
}

void DrawAbsences(Draw& draw, const FleetPlan& plan, DeviceProfile& p) {
  const auto days = static_cast<int>(plan.days);
  if (days < 5) return;
  if (draw.Chance(0.05)) {
    const auto first = static_cast<int>(draw.Whole(1, days - 4));
    p.travel = {first, first + 2};
    // Two hours at most: a working day must not begin before the last one ended.
    p.travel_offset_min = Sites()[p.site].utc_offset_min + (draw.Chance(0.5) ? 120 : -120);
  }
  if (draw.Chance(0.15)) {
    const auto first = static_cast<int>(draw.Whole(1, days - 3));
    p.without_network = {first, first + static_cast<int>(draw.Whole(0, 2))};
  }
  // One laptop in ten is still away when the time ends and sends its last days after all others.
  if (p.index % 10 == 9) p.late_from = days - static_cast<int>(draw.Whole(2, 4));
}

}  // namespace

DeviceProfile MakeProfile(const FleetPlan& plan, uint32_t index) {
  DeviceProfile p;
  p.index = index;
  char host[32];
  std::snprintf(host, sizeof host, "sim-%05u", index + 1);
  p.host = host;
  DealSlots(p);
  Draw draw(MixSeed(plan.seed, index, 0, kProfilePurpose));
  DrawHabits(draw, plan, p);
  DrawAbsences(draw, plan, p);
  return p;
}

std::vector<std::pair<std::string, std::string>> ProfileLabels(const DeviceProfile& profile) {
  return {{"department", std::string(Departments()[profile.department])},
          {"location", std::string(Sites()[profile.site].name)}};
}

int UtcOffsetMin(const DeviceProfile& profile, int day) {
  return profile.travel.Holds(day) ? profile.travel_offset_min
                                   : Sites()[profile.site].utc_offset_min;
}

uint64_t SpoolEpoch(const FleetPlan& plan, uint32_t index) {
  const uint64_t epoch =
      MixSeed(plan.seed, index, static_cast<uint64_t>(plan.end_day), kEpochPurpose);
  return epoch == 0 ? 1 : epoch;
}

}  // namespace candor::loadgen
