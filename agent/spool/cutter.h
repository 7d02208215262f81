// From harvests to the contents of batches: what one harvest looks like on disk while it waits, and
// how many of them fit into a batch. Pure values, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/windows/harvest.h"
#include "common/registry.h"

namespace candor {

struct CutLimits {
  // A batch is cut before its contents would pass this; zstd never makes them larger than the
  // megabyte that a sealed batch may have.
  static constexpr size_t kContentsBytesMax = 512 << 10;
  static constexpr size_t kMinutesMax = 1'440;
  // One harvest above this is not kept (WindowLimits keep it far below).
  static constexpr size_t kHarvestBytesMax = 900 << 10;
};

// Serialized candor.v1.Contents: the minute and its events, in more than one piece only where the
// events are about more boots than one batch may name.
std::vector<std::string> EncodeHarvest(const Harvest& harvest);

// kEvents as soon as there is one event that tells more than what is unmeasured: that list comes
// again with each day.
BatchClass ClassOf(const std::vector<RecordedEvent>& events);

// Collects the contents of waiting harvests, in order, until the next would not fit any more.
class BatchCutter {
 public:
  // False, and nothing is added, when `contents` must go to the next batch. The first always fits.
  // `size` is its serialized size.
  bool Add(const v1::Contents& contents, size_t size);
  bool empty() const { return harvests_ == 0; }
  BatchClass batch_class() const { return ClassOf(events_); }
  // Everything added, in one Contents; the cutter is empty again.
  v1::Contents Take();

 private:
  size_t harvests_ = 0;
  size_t bytes_ = 0;
  size_t windows_ = 0;
  size_t strings_ = 0;
  std::vector<MinuteWindows> minutes_;
  std::vector<RecordedEvent> events_;
  std::vector<std::string> boots_;
};

}  // namespace candor
