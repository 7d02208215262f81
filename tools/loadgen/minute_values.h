// The values a laptop measures in one minute, written straight into that minute's windows.
#pragma once

#include "tools/loadgen/draw.h"
#include "tools/loadgen/fleet.h"
#include "tools/loadgen/laptop_day.h"

namespace candor::loadgen {

// What kind of minute it is.
struct MinuteKind {
  int of_day = 0;  // counted from the first minute worked
  bool active = true;
  bool link = true;      // a network link is up
  bool offline = false;  // the link is up and nothing answers
  int64_t hang_ms = 0;   // foreground window silent for so long
  double disk_free_gib = 0;
};

// Appends the minute's windows, sorted by (metric, subject), and its single values to `day`.
void MeasureMinute(const DeviceProfile& profile, const MinuteKind& kind, Draw& draw,
                   MinuteWindows& minute, LaptopDay& day);

}  // namespace candor::loadgen
