// Where health finds its values on Linux. Each function reads its source once; errors say in one
// line why there is nothing to read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/health/battery.h"
#include "agent/samplers/health/inventory.h"
#include "agent/samplers/health/throttle.h"
#include "agent/samplers/sampler.h"

namespace candor {

struct DiskSpace {
  int64_t free_mib = 0;  // for an ordinary user
  int64_t total_mib = 0;
};
absl::StatusOr<DiskSpace> ReadDiskSpace(const std::string& path);
// The disk that fills up: "/", or where the system is an image that nobody writes to, `var`.
absl::StatusOr<DiskSpace> ReadSystemDiskSpace(const std::string& var);

// The system's packs, at most eight; empty where there is none.
std::vector<BatteryPack> ReadBatteries(const LinuxRoots& roots);

// NotFound where the processor has no such counters.
absl::StatusOr<ThrottleCounters> ReadThrottleCounters(const LinuxRoots& roots);

absl::StatusOr<int64_t> ReadMemAvailableMib(const LinuxRoots& roots);

// Every property that can be known here.
InventoryMap ReadInventory(const LinuxRoots& roots);

}  // namespace candor
