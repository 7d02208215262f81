// Pressure stall totals, read from the kernel and turned into increments.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

// CPU, memory, I/O: the order of every array of three here.
inline constexpr std::array<std::string_view, 3> kPressureKinds = {"cpu", "memory", "io"};

// The `some` total in microseconds of a pressure file's text; nothing when it is not one.
std::optional<int64_t> ParseSomeTotalUs(std::string_view text);

// Whole milliseconds out of a growing total of microseconds; the rest is carried.
class StallMeter {
 public:
  StallMeter() = default;
  // Starts at `total_us` instead of at the first reading: what was there before is not counted.
  explicit StallMeter(int64_t total_us) : last_us_(total_us) {}

  // Increment since the last reading; nothing at the first. A total that went back starts anew.
  std::optional<int64_t> TakeMs(int64_t total_us);

 private:
  std::optional<int64_t> last_us_;
  int64_t carried_us_ = 0;
};

// The machine's three pressure files, kept open and read from their start. One thread.
class PressureFiles {
 public:
  virtual ~PressureFiles() = default;
  // Totals in microseconds, in the order of kPressureKinds.
  virtual absl::StatusOr<std::array<int64_t, 3>> ReadTotalsUs() = 0;
};

// NotFound or Unavailable, with a reason a person understands, where the kernel keeps none.
absl::StatusOr<std::unique_ptr<PressureFiles>> OpenPressureFiles(const std::string& proc);

}  // namespace candor
