// From a disk's counters to the mean time that its requests took. Pure, one thread.
//
// The source is the text of /sys/class/block/NAME/stat, the disk's line of /proc/diskstats without
// its name (Linux's Documentation/block/stat.rst): requests done, and the milliseconds that all of
// them together took from being handed to the disk until they were done, for reads and for writes.
// The kernel keeps these times exactly and shows whole milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace candor {

struct RequestCount {
  uint64_t done = 0;
  uint64_t spent_ms = 0;  // the kernel's 32 bits: begins again at 0 after 49.7 days
};

struct DiskCounters {
  RequestCount reads;
  RequestCount writes;
};

// Nothing where the text is no such line.
std::optional<DiskCounters> ParseDiskCounters(std::string_view stat);

// One direction of one disk.
class RequestMeter {
 public:
  // A mean is told once the last millisecond that the kernel does not show can no longer matter:
  // after so many requests (0.02 ms each) or so many milliseconds (2 %).
  static constexpr uint64_t kRequestsMin = 50;
  static constexpr uint64_t kSpentMsMin = 50;

  // Mean microseconds of the requests since the last mean was told; nothing at the first reading,
  // or while there were too few. Counters that went back begin anew.
  std::optional<int64_t> TakeUs(RequestCount now);
  void Reset() { *this = RequestMeter(); }

 private:
  std::optional<RequestCount> last_;
  RequestCount gathered_;
};

}  // namespace candor
