// Asking a running daemon over its control socket. Blocking; for the command line.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace candor::v1 {
class ControlReply;
class ControlRequest;
}  // namespace candor::v1

namespace candor {

// Calls `on_reply` for each reply until the daemon closes. Unavailable when no daemon is there,
// PermissionDenied when its socket may not be used, DeadlineExceeded when it says nothing for ten
// seconds; a reply that is an error is given back as one.
absl::Status AskDaemon(const std::string& socket_path, const v1::ControlRequest& request,
                       const std::function<void(const v1::ControlReply&)>& on_reply);

}  // namespace candor
