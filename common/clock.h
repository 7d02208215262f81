// The clock seam. Everything that needs the time takes a `const Clock&`; tests hand in a
// ManualClock (tests/support/manual_clock.h). No duration is ever taken from a wall clock.
#pragma once

#include <cstdint>

namespace candor {

// No clock shows more: the year 4199. Wall clocks from outside are held to it either way, so that
// sums and differences of a few such do not overflow.
constexpr int64_t kWallMsMax = int64_t{1} << 46;

class Clock {
 public:
  virtual ~Clock() = default;

  // Milliseconds since 1970-01-01 UTC. May jump.
  virtual int64_t WallMs() const = 0;
  // Milliseconds since boot, suspend included (CLOCK_BOOTTIME). Never goes back in one boot.
  virtual int64_t BoottimeMs() const = 0;
  // Milliseconds that only count while the machine runs (CLOCK_MONOTONIC): for timeouts.
  virtual int64_t MonotonicMs() const = 0;
  // Minutes east of UTC of the local time zone at `wall_ms`.
  virtual int UtcOffsetMin(int64_t wall_ms) const = 0;
};

// The machine's own clock. Any thread.
class SystemClock final : public Clock {
 public:
  int64_t WallMs() const override;
  int64_t BoottimeMs() const override;
  int64_t MonotonicMs() const override;
  int UtcOffsetMin(int64_t wall_ms) const override;
};

}  // namespace candor
