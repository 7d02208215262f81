// Minutes a device-day cost its people.
//
//   boot, signin, resume   what is above the model's limits, each time it happened (the same events
//                          that the score counts)
//   launch                 the same, from the day's histogram: each bucket's excess at its middle
//   hang                   each hang's length
//   stall                  active time stalled on memory or I/O, the worse of the two
//   offline                active time with a link up and no service reached
//   crash, system_failure  the model's allowance for each
//
// Overlaps are counted once as far as facts can tell. Events have a beginning and an end: what one
// interval shares with an earlier one in the order above is not counted again. Stalls, launches and
// time offline are sums without a place in time: all that is certain is that what is lost while
// working cannot exceed the time worked, so offline, hang, stall and launch together end at the
// day's active time. Allowances are assumptions, not intervals, and simply add.
//
// Pure function, any thread.
#pragma once

#include <vector>

#include "collector/fold/day_values.h"

namespace candor {

// Causes with any minutes, in the order boot, signin, resume, launch, hang, stall, crash,
// system_failure, offline.
std::vector<LostTime> TimeLost(const DaySummary& day, const TimeLostModel& model);

}  // namespace candor
