// candor-agent's daemon: one thread, one io_context, that ties samplers, windows, spool, pushes and
// the control socket together.
//
//   tick (10 s in use, 60 s idle, on the wall clock's grid) -> samplers -> windows
//   the minute is over -> windows are closed -> spool, durable
//   pushes when the PushPolicy says so
//
// A tick on the grid line belongs to the minute that ends: the minute is closed once its samplers
// are done, or after a second. SIGTERM and SIGINT close the open minute, spool it and end; SIGHUP
// reads the settings again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/daemon/settings.h"
#include "agent/samplers/sampler.h"
#include "common/clock.h"
#include "common/random.h"

namespace candor {

struct DaemonOptions {
  AgentSettings settings;
  std::function<absl::StatusOr<AgentSettings>()> reload;
  std::string own_path;  // of this program, to find candor-uplink beside it
  LinuxRoots roots;
};

// Runs until a signal ends it. Unavailable when another agent holds the state folder.
absl::Status RunDaemon(const DaemonOptions& options, const Clock& clock, Random& random);

// Milliseconds from `wall_ms` to the next line of a grid of `period_s`, at least 1; a few more are
// added so that a timer that is a touch early still wakes behind the line.
int64_t MsToGridLine(int64_t wall_ms, int64_t period_s);

}  // namespace candor
