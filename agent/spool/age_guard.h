// Whether the wall clock may be believed when the age of data is judged by it.
//
// A laptop whose clock says 2040 for an hour must not throw away a month of measurements. So a wall
// clock that moved by more than an hour against the boot clock, or by more than kOffMaxMs (or
// backward) since an earlier run of the agent, is not believed until it has been steady for a day.
// One thread.
#pragma once

#include <cstdint>
#include <optional>

#include "common/time_units.h"

namespace candor {

class AgeGuard {
 public:
  static constexpr int64_t kStepMaxMs = 3'600'000;
  static constexpr int64_t kOffMaxMs = 45ll * kMsPerDay;
  static constexpr int64_t kSteadyMs = kMsPerDay;

  // `believed_wall_ms` is the last wall time that an earlier run believed; 0 for none.
  explicit AgeGuard(int64_t believed_wall_ms = 0) : believed_wall_ms_(believed_wall_ms) {}

  // Tells the guard the time and asks whether to believe it.
  bool Believe(int64_t wall_ms, int64_t boottime_ms);
  // To be kept for the next run.
  int64_t believed_wall_ms() const { return believed_wall_ms_; }

 private:
  struct Moment {
    int64_t wall_ms;
    int64_t boottime_ms;
  };

  int64_t believed_wall_ms_;
  std::optional<Moment> last_;
  std::optional<int64_t> doubted_at_boottime_ms_;
};

}  // namespace candor
