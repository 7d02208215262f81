#include "common/clock.h"

#include <ctime>

namespace candor {
namespace {

int64_t ReadMs(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

}  // namespace

int64_t SystemClock::WallMs() const { return ReadMs(CLOCK_REALTIME); }
int64_t SystemClock::BoottimeMs() const { return ReadMs(CLOCK_BOOTTIME); }
int64_t SystemClock::MonotonicMs() const { return ReadMs(CLOCK_MONOTONIC); }

int SystemClock::UtcOffsetMin(int64_t wall_ms) const {
  // localtime_r keeps the zone it read first, and people travel. tzset looks whether the system's
  // zone is still that file, for one system call; nobody asks more than a few times a minute.
  tzset();
  const time_t seconds = static_cast<time_t>(wall_ms / 1000);
  tm local{};
  localtime_r(&seconds, &local);
  return static_cast<int>(local.tm_gmtoff / 60);
}

}  // namespace candor
