// Health: what wears out or fills up, and the inventory.
//
// Metrics (units of common/registry.h)
//   disk_free_gib         statvfs of "/" (of /var where "/" is an image or memory), blocks that an
//                         ordinary user may fill, in MiB steps; never of a network or FUSE file
//                         system (mounts.h), and never so that the daemon waits
//   disk_read_ms,         mean time of a read, and of a write request of the one disk that holds
//   disk_write_ms         the system, with each tick that had enough of them (disk_latency.h)
//   disk_wear_pct         writable life used, once each local day (disk_wear.h, linux_udisks.h)
//   battery_pct           full capacity against design capacity, all packs together (battery.h)
//   throttled_ms          the processor's own counters of time slowed by heat (throttle.h); the
//                         kernel adds a slow-down when it ends, so a long one falls into one minute
//   memory_available_mib  MemAvailable of /proc/meminfo, once a tick
//   security_updates, security_updates_age_d, packages_age_d, reboot_required, uptime_d
//                         linux_updates.h
// Watched: "throttle", for as long as the counters are read without a break.
//
// Gauges change slowly and are told every fifteen minutes. The inventory (inventory.h) is told in
// full at start and once each local day, between them only what changed.
//
// The cursor "battery_low" keeps the id of a boot whose battery ran nearly empty, so that the next
// boot does not call it a failure.
#pragma once

#include <memory>

#include "agent/samplers/sampler.h"

namespace candor {

// The context must outlive the sampler.
std::unique_ptr<Sampler> MakeHealthSampler(const SamplerContext& context);

}  // namespace candor
