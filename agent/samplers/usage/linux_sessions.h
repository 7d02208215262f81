// Who is signed in: from logind over the system bus, or from utmp.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/support/linux_bus.h"
#include "agent/samplers/usage/activity.h"

namespace candor {

constexpr size_t kSessionsMax = 64;

// All sessions (the first kSessionsMax). NotFound where logind does not run.
boost::asio::awaitable<absl::StatusOr<std::vector<SessionState>>> ReadSessions(LinuxBus& bus);

// Logins in the utmp file whose process lives; 0 where there is no file.
int CountLogins(const std::string& utmp_path);

}  // namespace candor
