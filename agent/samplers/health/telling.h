// Whether a metric could be measured, told in one line of code.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "agent/samplers/recorder.h"
#include "common/status.h"

namespace candor {

// True where `status` is OK; else its message is the reason that people read.
inline bool TellWhether(Recorder& recorder, uint32_t metric, const absl::Status& status) {
  if (status.ok()) {
    recorder.Measured(metric, "");
  } else {
    recorder.Unmeasured(metric, "", MessageOf(status));
  }
  return status.ok();
}

}  // namespace candor
