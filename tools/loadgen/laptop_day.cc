#include "tools/loadgen/laptop_day.h"

#include <algorithm>

#include "common/time_units.h"
#include "tools/loadgen/catalogue.h"
#include "tools/loadgen/draw.h"
#include "tools/loadgen/happenings.h"
#include "tools/loadgen/minute_values.h"

namespace candor::loadgen {
namespace {

constexpr uint64_t kDayPurpose = 3;
constexpr int kMinutesPerDay = 1440;

// Monday is 0; 1970-01-01 was a Thursday.
int Weekday(int64_t day) { return static_cast<int>(((day + 3) % 7 + 7) % 7); }

bool WorksOn(int64_t day, Draw& draw) {
  const bool weekend = Weekday(day) >= 5;
  return draw.Chance(weekend ? 0.03 : 0.96);
}

// Where the pauses of a working day lie, in minutes since its first.
struct Pauses {
  int lunch = 0;
  int lunch_min = 0;
  bool lid_closed = false;  // asleep over lunch: no minutes at all
  int break_at[2] = {0, 0};
  int break_min[2] = {0, 0};

  bool Lunch(int minute) const { return minute >= lunch && minute < lunch + lunch_min; }
  bool Idle(int minute) const {
    for (int i = 0; i < 2; ++i) {
      if (minute >= break_at[i] && minute < break_at[i] + break_min[i]) return true;
    }
    return Lunch(minute);
  }
};

Pauses DrawPauses(Draw& draw, int work_min, bool battery) {
  Pauses pauses;
  pauses.lunch = static_cast<int>(draw.Whole(work_min / 2 - 40, work_min / 2));
  pauses.lunch_min = static_cast<int>(draw.Whole(30, 55));
  pauses.lid_closed = battery && draw.Chance(0.5);
  for (int i = 0; i < 2; ++i) {
    pauses.break_at[i] = static_cast<int>(draw.Whole(60 + 230 * i, 140 + 230 * i));
    pauses.break_min[i] = static_cast<int>(draw.Whole(5, 12));
  }
  return pauses;
}

Minute MakeMinute(const DeviceProfile& p, const LaptopState& state, int64_t wall_min,
                  int utc_offset_min, bool active) {
  Minute minute;
  minute.wall_min = wall_min;
  minute.utc_offset_min = utc_offset_min;
  minute.boottime_s = (wall_min * kMsPerMinute - state.boot_wall_ms) / 1000;
  minute.boot_id = state.boot_id;
  minute.observed_s = 60;
  if (!p.session_seen) {
    minute.activity = ActivityState::kByLogin;
  } else {
    minute.activity = active ? ActivityState::kByInput : ActivityState::kInactive;
  }
  return minute;
}

}  // namespace

void PlayDay(const FleetPlan& plan, const DeviceProfile& profile, int day, LaptopState& state,
             LaptopDay& out) {
  out.day = day;
  out.minutes.clear();
  out.events.clear();
  for (auto& values : out.active_values) values.clear();

  const int64_t local_day = plan.first_day() + day;
  Draw draw(MixSeed(plan.seed, profile.index, static_cast<uint64_t>(local_day), kDayPurpose));
  if (!WorksOn(local_day, draw)) return;

  const int offset_min = UtcOffsetMin(profile, day);
  const int start_min = profile.start_min + static_cast<int>(draw.Whole(-12, 0));
  const int64_t first_min = local_day * kMinutesPerDay + start_min - offset_min;
  const bool battery = Models()[profile.model].battery;
  const Pauses pauses = DrawPauses(draw, profile.work_min, battery);

  Happenings happenings(profile, day, offset_min, draw, state, out);
  happenings.Morning(first_min * kMsPerMinute, Weekday(local_day) == 0);
  state.disk_free_gib = std::max(state.disk_free_gib - draw.Between(0.0, 0.25), 0.5);

  for (int m = 0; m < profile.work_min; ++m) {
    const bool idle = pauses.Idle(m);
    if (pauses.lid_closed && pauses.Lunch(m)) {
      if (m == pauses.lunch + pauses.lunch_min - 1) {
        happenings.LidOpened((first_min + m + 1) * kMsPerMinute);
      }
      continue;
    }
    const Site& site = Sites()[profile.site];
    MinuteKind kind;
    kind.of_day = m;
    kind.active = !idle || !profile.session_seen;
    kind.link = !profile.without_network.Holds(day);
    kind.offline = kind.link && draw.Chance(site.offline_share);
    kind.disk_free_gib = state.disk_free_gib;
    kind.hang_ms = kind.active ? happenings.DuringMinute((first_min + m) * kMsPerMinute) : 0;
    MinuteWindows& minute = out.minutes.emplace_back();
    minute.minute = MakeMinute(profile, state, first_min + m, offset_min, kind.active);
    minute.windows.reserve(40);
    MeasureMinute(profile, kind, draw, minute, out);
  }
  happenings.Evening();
}

}  // namespace candor::loadgen
