#include "tests/support/moved_clock.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>

namespace candor::testing {
namespace {

constexpr char kFile[] = "offsets";

}  // namespace

MovedClock::MovedClock() {
  const int fd = open(folder_.File(kFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  void* shared = MAP_FAILED;
  if (fd >= 0 && ftruncate(fd, sizeof(ClockOffsets)) == 0) {
    shared = mmap(nullptr, sizeof(ClockOffsets), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  close(fd);
  if (shared == MAP_FAILED) throw std::runtime_error("cannot share " + folder_.File(kFile));
  offsets_ = static_cast<ClockOffsets*>(shared);
}

MovedClock::~MovedClock() { munmap(offsets_, sizeof(ClockOffsets)); }

std::map<std::string, std::string> MovedClock::Environment() const {
  return {{"LD_PRELOAD", CANDOR_MOVED_CLOCK_LIBRARY}, {"CANDOR_TEST_CLOCK", folder_.File(kFile)}};
}

void MovedClock::Step(int64_t ms) { std::atomic_ref(offsets_->wall_ms) += ms; }

void MovedClock::Sleep(int64_t ms) {
  std::atomic_ref(offsets_->boottime_ms) += ms;
  Step(ms);
}

}  // namespace candor::testing
