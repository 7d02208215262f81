// A laptop in a storm, for fault tests: the agent's own spool and the real candor-uplink, with a
// measurement every few milliseconds in place of one a minute, so that a kill at random hits
// something that matters.
//
// Everything it measures is numbered and told to a diary: a line before it is handed to the spool
// ("begin TEXT"), one after the spool made it durable ("spooled TEXT"), or took it into memory
// because the disk takes nothing ("taken TEXT"). A minute in place of an event has "begin-minute"
// and so on. The diary is written with plain writes: they outlive the process, as the test only
// kills processes, never the machine.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace candor::testing {

struct StormOptions {
  std::string state;         // folder with identity, spool, diary
  std::string spool_folder;  // empty: `state`
  std::string uplink;        // the program
  int measure_every_ms = 5;
  int seal_every_ms = 120;
  uint64_t spool_bytes_max = 256ull << 20;
  size_t backlog_bytes_max = 1 << 20;
  // Every other batch holds minutes, of the least important class; else all hold events.
  bool minutes = false;
};

// Runs until `draining` is set, then until the spool is empty and everything is acknowledged.
absl::Status RunStorm(const StormOptions& options, const std::atomic<bool>& draining);

}  // namespace candor::testing
