// Loaded in front of the C library: see moved_clock.h.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "tests/support/moved_clock.h"

namespace {

using candor::testing::ClockOffsets;

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerS = 1'000'000'000;

ClockOffsets* Offsets() {
  static ClockOffsets* const offsets = [] {
    static ClockOffsets none;
    const char* path = std::getenv("CANDOR_TEST_CLOCK");
    const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return &none;
    void* shared = mmap(nullptr, sizeof(ClockOffsets), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return shared == MAP_FAILED ? &none : static_cast<ClockOffsets*>(shared);
  }();
  return offsets;
}

int64_t OffsetMs(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
      return std::atomic_ref(Offsets()->wall_ms);
    case CLOCK_BOOTTIME:
      return std::atomic_ref(Offsets()->boottime_ms);
    default:
      return 0;
  }
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto failed = syscall(SYS_clock_gettime, clock, time);
  if (failed != 0) return static_cast<int>(failed);
  const int64_t ns = time->tv_sec * kNsPerS + time->tv_nsec + OffsetMs(clock) * kNsPerMs;
  time->tv_sec = ns / kNsPerS;
  time->tv_nsec = ns % kNsPerS;
  return 0;
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  timespec now{};
  if (const int failed = clock_gettime(CLOCK_REALTIME, &now); failed != 0) return failed;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1'000;
  return 0;
}

time_t time(time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
