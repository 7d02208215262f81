// What the daemon is doing, for `candor-agent status`: where spool and pushes stand, what the agent
// costs, and one line for each metric and event kind with its latest value or why there is none.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "agent/windows/window_set.h"
#include "candor/v1/local.pb.h"

namespace candor {

struct ControlSources;

absl::Status ReportStatus(const ControlSources& sources, v1::Status& status);

// Appends a line for everything the registry knows: values as they are, the reason where there is
// none; "not yet" where nothing has been said.
void ReportMeasured(const WindowSet& windows,
                    google::protobuf::RepeatedPtrField<v1::Status::Measured>* out);

}  // namespace candor
