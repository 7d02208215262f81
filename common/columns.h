// Windows to packed columns and back: the dense half of a batch (candor.v1.Contents). Encoding
// happens once, when the agent seals; decoding happens in the collector's folds and in the
// employee's ledger, in one pass, with every index and length checked.
//
// Plain functions over value types; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/histogram.h"

namespace candor::v1 {
class Contents;
}

namespace candor {

// Numbers of candor.v1.Activity.
enum class ActivityState : uint32_t {
  kInactive = 0,
  kByInput = 1,
  kByLogin = 2,
  kByUptime = 3,
};

// A minute on one device; what windows refer to.
struct Minute {
  int64_t wall_min = 0;        // minutes since 1970 UTC, by the device's clock
  int32_t utc_offset_min = 0;  // minutes east of UTC
  int64_t boottime_s = 0;      // at the minute's start
  std::string boot_id;         // 16 raw bytes
  uint32_t observed_s = 60;    // how much of it was watched, 0 to 60
  ActivityState activity = ActivityState::kInactive;

  bool operator==(const Minute&) const = default;
};

// One metric × subject in one minute. `histogram` serves distributions, `sum` the other kinds
// (a counter's increment, a gauge's last value); both in the metric's resolution.
struct Window {
  uint32_t metric = 0;
  std::string subject;
  int64_t sum = 0;
  Histogram histogram;

  bool operator==(const Window&) const = default;
};

struct MinuteWindows {
  Minute minute;
  std::vector<Window> windows;  // sorted by (metric, subject), unique

  bool operator==(const MinuteWindows&) const = default;
};

// Limits of one batch, checked when decoding. tests/unit/common/columns_test.cc stands on both
// sides.
struct ColumnLimits {
  static constexpr size_t kMinutesMax = 4'320;  // three days
  static constexpr size_t kWindowsMax = 200'000;
  static constexpr size_t kStringsMax = 4'096;
  static constexpr size_t kStringBytesMax = 256;
  static constexpr size_t kBootsMax = 64;
};

// Fills strings, boots, minutes and metrics of `contents` (which may hold events already; then its
// strings and boots are extended). Minutes stay in the order given. A metric that is not in the
// registry is a programming error (CHECK).
void EncodeWindows(const std::vector<MinuteWindows>& minutes, v1::Contents& contents);

// What a decode hands over, window by window, without building the vectors above. A window of a
// metric unknown to this registry is handed over too, as kind distribution where it has counts; it
// is passed over where its lists are of a kind unknown here.
class WindowVisitor {
 public:
  virtual ~WindowVisitor() = default;
  virtual void OnWindow(const Minute& minute, uint32_t metric, std::string_view subject,
                        int64_t sum, const Histogram& histogram) = 0;
};

// Checks every list and index. InvalidArgument names the metric and the list that is wrong; then
// nothing was visited. What only a newer version can judge is not refused: activities and the lists
// of metrics that are not in this registry.
absl::Status ValidateColumns(const v1::Contents& contents);

// The minutes of a batch, in order. An activity unknown here is given as inactive. Contents must
// have passed ValidateColumns.
std::vector<Minute> DecodeMinutes(const v1::Contents& contents);

// Contents must have passed ValidateColumns. The second form takes the minutes as DecodeMinutes
// gave them; OnWindow is then handed elements of that very vector.
void VisitWindows(const v1::Contents& contents, WindowVisitor& visitor);
void VisitWindows(const v1::Contents& contents, const std::vector<Minute>& minutes,
                  WindowVisitor& visitor);

// Convenience for the ledger and tests.
absl::StatusOr<std::vector<MinuteWindows>> DecodeWindows(const v1::Contents& contents);

// Index of a boot id in contents.boots, added when new.
uint32_t InternBoot(std::string_view boot_id, v1::Contents& contents);

}  // namespace candor
