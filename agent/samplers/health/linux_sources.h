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
#include "agent/samplers/health/linux_system_disk.h"
#include "agent/samplers/health/throttle.h"
#include "agent/samplers/sampler.h"

namespace candor {

// The system's packs, at most eight; empty where there is none, NotFound where the system does not
// tell about power supplies (in a container).
absl::StatusOr<std::vector<BatteryPack>> ReadBatteries(const LinuxRoots& roots);

// NotFound where the processor has no such counters.
absl::StatusOr<ThrottleCounters> ReadThrottleCounters(const LinuxRoots& roots);

absl::StatusOr<int64_t> ReadMemAvailableMib(const LinuxRoots& roots);

// What is known about the system's disk (linux_system_disk.h).
struct SystemDisk {
  absl::StatusOr<std::vector<std::string>> disks = absl::NotFoundError("not looked for");
  absl::StatusOr<DiskSpace> space = absl::NotFoundError("not asked");
};

// Every property that can be known here.
InventoryMap ReadInventory(const LinuxRoots& roots, const SystemDisk& disk);

}  // namespace candor
