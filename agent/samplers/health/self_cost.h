// What the daemon itself costs: CPU time, resident memory, context switches and bytes written, from
// /proc/self once a minute, under the subject "daemon". A context switch is taken for a wakeup: the
// daemon is one thread that sleeps until something wakes it. (The uplink tells its own costs when a
// push ends.) One thread; owned by the daemon.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/samplers/sampler.h"

namespace candor {

// Everything that this sampler can emit.
inline constexpr std::array<uint32_t, 4> kSelfCostMetrics = {401, 402, 403, 405};

// A process's totals since it started.
struct SelfCost {
  int64_t cpu_ms = 0;
  int64_t rss_kib = 0;
  int64_t switches = 0;
  // Absent where the kernel does not count it (no task I/O accounting).
  std::optional<int64_t> written_bytes;
};

// Reads the calling process's totals below `proc`; an error names file and field.
absl::StatusOr<SelfCost> ReadSelfCost(const std::string& proc);

// Parsers of /proc/self/stat (utime + stime in clock ticks) and of a "Name:  123" line of
// /proc/self/status and /proc/self/io. Nothing where the text does not hold it.
std::optional<int64_t> ParseCpuTicks(std::string_view stat);
std::optional<int64_t> ParseField(std::string_view text, std::string_view name);

// Its family is "agent", which cannot be switched off.
std::unique_ptr<Sampler> MakeSelfCostSampler(const SamplerContext& context);

}  // namespace candor
