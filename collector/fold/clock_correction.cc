#include "collector/fold/clock_correction.h"

#include <algorithm>
#include <cstdlib>

#include "common/time_units.h"

namespace candor {
namespace {

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// To whole minutes, half a minute up; 0 below the tolerance.
int64_t Step(int64_t ms) {
  if (std::llabs(ms) < kSkewToleranceMs) return 0;
  return FloorDivide(ms + kMsPerMinute / 2, kMsPerMinute) * kMsPerMinute;
}

// Wall clock less boot-relative clock: constant in a boot unless somebody sets the clock.
int64_t Lead(const Minute& minute) {
  return minute.wall_min * kMsPerMinute - minute.boottime_s * 1000;
}

}  // namespace

int64_t BatchSkewMs(int64_t skew_ms, int64_t sealed_wall_ms, int64_t received_ms) {
  // Any number may stand in a batch; none may overflow.
  const auto sane = [](int64_t ms) { return std::clamp(ms, -kWallMsMax, kWallMsMax); };
  return Step(std::max(sane(skew_ms), sane(sealed_wall_ms) - sane(received_ms)));
}

ClockCorrection::ClockCorrection(std::span<const Minute> minutes, int64_t batch_skew_ms)
    : skew_ms_(batch_skew_ms) {
  std::map<std::string_view, const Minute*> last;
  for (const Minute& minute : minutes) {
    const Minute*& latest = last[minute.boot_id];
    if (latest == nullptr || minute.boottime_s >= latest->boottime_s) latest = &minute;
  }
  minute_ms_.reserve(minutes.size());
  for (const Minute& minute : minutes) {
    const int64_t jump = Step(Lead(*last[minute.boot_id]) - Lead(minute));
    if (jump != 0) jumps_.emplace(std::pair(minute.boot_id, minute.wall_min), jump);
    minute_ms_.push_back(minute.wall_min * kMsPerMinute + jump - skew_ms_);
  }
}

int64_t ClockCorrection::EventMs(int64_t wall_ms, const std::string& boot_id) const {
  const auto at = jumps_.find({boot_id, FloorDivide(wall_ms, kMsPerMinute)});
  return wall_ms + (at == jumps_.end() ? 0 : at->second) - skew_ms_;
}

int64_t LocalHour(int64_t wall_ms, int utc_offset_min) {
  return FloorDivide(wall_ms + int64_t{utc_offset_min} * kMsPerMinute, kMsPerHour);
}

}  // namespace candor
