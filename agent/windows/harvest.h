// What the windows hand to the spool: a finished minute with the events and source positions that
// came with it, or events alone when they must not wait for the minute's end. A plain value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "candor/v1/envelope.pb.h"
#include "common/columns.h"

namespace candor {

struct RecordedEvent {
  v1::Event event;      // event.boot is set when the batch is sealed
  std::string boot_id;  // 16 raw bytes
};

struct Harvest {
  std::optional<MinuteWindows> minute;
  std::vector<RecordedEvent> events;
  // Positions of sources, to be saved together with the events that were emitted before them.
  std::map<std::string, std::string> cursors;

  bool empty() const { return !minute && events.empty() && cursors.empty(); }
};

}  // namespace candor
