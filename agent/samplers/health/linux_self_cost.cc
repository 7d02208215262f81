#include <unistd.h>

#include "agent/samplers/health/self_cost.h"
#include "common/files.h"
#include "common/status.h"

namespace candor {

absl::StatusOr<SelfCost> ReadSelfCost(const std::string& proc) {
  const std::string self = proc + "/self/";
  CANDOR_ASSIGN_OR_RETURN(const std::string stat, ReadFile(self + "stat", 1 << 14));
  CANDOR_ASSIGN_OR_RETURN(const std::string status, ReadFile(self + "status", 1 << 16));
  const auto ticks = ParseCpuTicks(stat);
  if (!ticks) return absl::InvalidArgumentError(self + "stat: no CPU times");
  const auto rss_kib = ParseField(status, "VmRSS");
  const auto voluntary = ParseField(status, "voluntary_ctxt_switches");
  const auto involuntary = ParseField(status, "nonvoluntary_ctxt_switches");
  if (!rss_kib) return absl::InvalidArgumentError(self + "status: no VmRSS");
  if (!voluntary || !involuntary) {
    return absl::InvalidArgumentError(self + "status: no context switches");
  }
  SelfCost cost;
  cost.cpu_ms = *ticks * 1000 / sysconf(_SC_CLK_TCK);
  cost.rss_kib = *rss_kib;
  cost.switches = *voluntary + *involuntary;
  if (const auto io = ReadFile(self + "io", 1 << 14); io.ok()) {
    cost.written_bytes = ParseField(*io, "write_bytes");
  }
  return cost;
}

}  // namespace candor
