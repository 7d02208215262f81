#include "agent/spool/age_guard.h"

#include <cstdlib>

namespace candor {

bool AgeGuard::Believe(int64_t wall_ms, int64_t boottime_ms) {
  if (last_) {
    const int64_t step = (wall_ms - last_->wall_ms) - (boottime_ms - last_->boottime_ms);
    if (std::abs(step) > kStepMaxMs) doubted_at_boottime_ms_ = boottime_ms;
  } else if (believed_wall_ms_ != 0) {
    const int64_t off_ms = wall_ms - believed_wall_ms_;
    if (off_ms < -kStepMaxMs || off_ms > kOffMaxMs) doubted_at_boottime_ms_ = boottime_ms;
  }
  last_ = Moment{wall_ms, boottime_ms};
  if (doubted_at_boottime_ms_) {
    if (boottime_ms - *doubted_at_boottime_ms_ < kSteadyMs) return false;
    doubted_at_boottime_ms_.reset();
  }
  believed_wall_ms_ = wall_ms;
  return true;
}

}  // namespace candor
