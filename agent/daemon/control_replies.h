// The daemon's answers to what is asked over the control socket: its status, and the ledger of
// everything sent. One thread, the daemon's.
#pragma once

#include <cstdint>

#include "agent/daemon/control_server.h"
#include "agent/daemon/pusher.h"
#include "agent/daemon/settings.h"
#include "agent/spool/spool.h"
#include "agent/windows/window_set.h"
#include "common/clock.h"

namespace candor {

// All of it outlives the replies.
struct ControlSources {
  Spool& spool;
  WindowSet& windows;
  Pusher& pusher;
  const AgentSettings& settings;
  const Clock& clock;
  const LinuxRoots& roots;
  int64_t started_wall_ms;
};

ControlReplies AnswerControl(const v1::ControlRequest& request, const ControlSources& sources);

}  // namespace candor
