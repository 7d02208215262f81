// What is written down when somebody looks at one device or runs SQL, before it is answered: who,
// what, at whom, and why. Values, any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace candor {

struct Look {
  std::string actor;      // role and name
  std::string action;     // "look device", "look explain", "sql"
  std::string device_id;  // "" where no single device is meant
  std::string reason;     // the reason given and, where it says more, what was asked
};
// Returns when it is on disk; a look that cannot be written down is not answered.
using AuditSink = std::function<absl::Status(const Look& look)>;

// A reason (at most kReasonBytesMax, labels.h) and what was asked, in no more than kAuditTextMax
// (audit.h): whole where it fits; else its beginning, its size and its SHA-256, so that what was
// asked can be told from anything else.
std::string ReasonAndText(std::string_view reason, std::string_view text);

}  // namespace candor
