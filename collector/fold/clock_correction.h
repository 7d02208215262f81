// From a laptop's wall clock to the time it really was, and to the day it was there.
//
// Each log row carries the skew (laptop's clock less collector's) as it was when its stream said
// hello. Three things are corrected:
//
// 1. Skew of two minutes or more, rounded to whole minutes. Less is the network's latency and
//    honest drift; applying it would push windows of midnight into the day before. Whole minutes
//    keep windows on their grid although each push measures the skew anew.
// 2. A clock that was set back between sealing and sending: no batch was sealed after it was
//    received, so the lead of its sealing time is skew as well. (A clock that was set forward in
//    between cannot be told from a batch that came late.)
// 3. A clock that was set while the batch was open: within one boot, wall clock less boot-relative
//    clock changes by the jump; minutes before it are moved onto the later clock, which is the one
//    the skew was measured against. Events go with the minute they fall into.
//
// The local day of a moment is that of the corrected wall clock and the UTC offset the laptop had.
// Durations never come from here. Pure functions of the row, so refolding gives the same days.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/columns.h"

namespace candor {

constexpr int64_t kSkewToleranceMs = 120'000;

// What must be taken off the wall clock of everything in a batch.
int64_t BatchSkewMs(int64_t skew_ms, int64_t sealed_wall_ms, int64_t received_ms);

class ClockCorrection {
 public:
  ClockCorrection(std::span<const Minute> minutes, int64_t batch_skew_ms);

  // Corrected start of minutes[index].
  int64_t MinuteMs(size_t index) const { return minute_ms_[index]; }
  // Corrected time of an event of boot `boot_id`.
  int64_t EventMs(int64_t wall_ms, const std::string& boot_id) const;

 private:
  int64_t skew_ms_;
  std::vector<int64_t> minute_ms_;
  std::map<std::pair<std::string, int64_t>, int64_t> jumps_;  // (boot, wall minute) -> ms, not 0
};

// Hours counted since 1970 in local time.
int64_t LocalHour(int64_t wall_ms, int utc_offset_min);
constexpr int64_t DayOfHour(int64_t hour) { return hour >= 0 ? hour / 24 : (hour - 23) / 24; }

}  // namespace candor
