// What a slice of the log adds to the folds, before it meets what is stored: built from log rows,
// applied in one transaction together with the watermark.
//
// One thread at a time. Memory is bounded by the caller, who looks at `size()` between rows.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "collector/fold/facts.h"

namespace candor {

// One row of table log.
struct LogRow {
  int64_t id = 0;
  int64_t device = 0;
  uint64_t epoch = 0;
  uint64_t seq = 0;
  int kind = 0;
  int64_t received_ms = 0;
  int64_t skew_ms = 0;
  int64_t sealed_through_day = 0;  // when the row was committed
  std::string sealed;
};

using DeviceTime = std::pair<int64_t, int64_t>;  // device and hour, or device and day

struct Slice {
  // Position of an event: device, day, corrected time, epoch, seq, ordinal in its batch.
  using EventKey = std::tuple<int64_t, int64_t, int64_t, uint64_t, uint64_t, int>;
  static constexpr Stamp kBeforeAll{std::numeric_limits<int64_t>::min(), 0, 0};
  struct EventRow {
    uint32_t kind = 0;
    std::string event;
  };
  struct InventoryRow {
    Stamp stamp = kBeforeAll;
    int64_t day = 0;
    std::string value;
    bool removed = false;
  };
  // Device, manager and name; an empty name is the manager's mark of its latest whole list, as
  // kCompleteKey is the inventory's.
  using SoftwareKey = std::tuple<int64_t, std::string, std::string>;
  struct SoftwareRow {
    Stamp stamp = kBeforeAll;
    int64_t day = 0;
    std::string version;  // empty: removed
  };
  struct UnmeasuredRow {
    Stamp stamp = kBeforeAll;
    int64_t day = 0;
    std::string items;
  };
  struct TooLate {
    int64_t batches = 0;
    int64_t windows = 0;
    int64_t events = 0;
  };

  // The inventory's own mark of the latest complete list; what is older counts as removed.
  static constexpr std::string_view kCompleteKey{};

  std::map<DeviceTime, FactAccumulator> hours;
  std::set<DeviceTime> days;  // device-days that anything fell on
  std::map<EventKey, EventRow> events;
  std::map<std::pair<int64_t, std::string>, InventoryRow> inventory;
  std::map<SoftwareKey, SoftwareRow> software;
  std::map<int64_t, UnmeasuredRow> unmeasured;
  std::map<DeviceTime, TooLate> too_late;
  int64_t watermark = 0;  // last log.id in this slice
  uint64_t batches = 0;
  uint64_t skipped = 0;  // batches and events that could not be read
  uint64_t event_bytes = 0;

  // Rows to be written, roughly.
  size_t size() const { return hours.size() + events.size() + inventory.size() + software.size(); }
};

// Which days a row may change. A day in `committed_sealed` was sealed when the row came: too late.
// Days through `skip_through` hold the row already (a rebuild keeps sealed days as they are).
struct DayGate {
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::min();
  int64_t skip_through = kNone;
};

// Adds log rows to slices. One for each thread; keeps the memory of the last batch for the next.
class RowFolder {
 public:
  RowFolder();
  RowFolder(RowFolder&&) noexcept;
  RowFolder& operator=(RowFolder&&) noexcept;
  ~RowFolder();

  // Adds one row. Rows of other kinds than kBatch, contents and kinds of metrics and events that
  // this version does not know, and numbers out of all range are passed over: they stay in the log
  // for a rebuild by a version that knows them. A batch that cannot be read at all is logged and
  // counted as skipped; it was readable when it was accepted, so nothing here may stop the fold.
  void Fold(const LogRow& row, const DayGate& gate, Slice& slice);

 private:
  struct Messages;
  absl::Status FoldBatch(const LogRow& row, const DayGate& gate, Slice& slice);
  std::unique_ptr<Messages> messages_;
};

}  // namespace candor
