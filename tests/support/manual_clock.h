// A clock that moves only when told to; any thread may look at it.
#pragma once

#include <atomic>

#include "common/clock.h"

namespace candor::testing {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t wall_ms = 1'790'000'000'000, int utc_offset_min = 0)
      : wall_ms_(wall_ms), utc_offset_min_(utc_offset_min) {}

  int64_t WallMs() const override { return wall_ms_; }
  int64_t BoottimeMs() const override { return boottime_ms_; }
  int64_t MonotonicMs() const override { return boottime_ms_; }
  int UtcOffsetMin(int64_t) const override { return utc_offset_min_; }

  // Time passes: every clock moves.
  void Advance(int64_t ms) {
    wall_ms_ += ms;
    boottime_ms_ += ms;
  }
  // Somebody sets the wall clock.
  void JumpWall(int64_t ms) { wall_ms_ += ms; }
  void SetWall(int64_t wall_ms) { wall_ms_ = wall_ms; }

 private:
  std::atomic<int64_t> wall_ms_;
  std::atomic<int64_t> boottime_ms_ = 1'000'000;
  const int utc_offset_min_;
};

}  // namespace candor::testing
