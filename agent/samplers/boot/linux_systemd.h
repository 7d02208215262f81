// The service manager's view of this boot, over the system bus.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>

#include "absl/status/statusor.h"
#include "agent/samplers/boot/stages.h"
#include "agent/samplers/support/linux_bus.h"

namespace candor {

// Units looked at; a desktop has about two hundred.
constexpr size_t kUnitsMax = 500;

// All stamps of this boot. While start-up goes on, `finish_us` is 0 and no unit is asked for.
boost::asio::awaitable<absl::StatusOr<ManagerStamps>> ReadManagerStamps(LinuxBus& bus);

}  // namespace candor
