#include "agent/samplers/health/disk_latency.h"

#include <array>

#include "agent/samplers/support/text.h"

namespace candor {
namespace {

// A request that took longer on average was not slow: the counters are not to be believed.
constexpr uint64_t kMeanMsMax = 600'000;

}  // namespace

std::optional<DiskCounters> ParseDiskCounters(std::string_view stat) {
  // reads, merged, sectors, ms; writes, merged, sectors, ms; in flight, ...
  constexpr size_t kFields = 8;
  std::array<uint64_t, kFields> values{};
  size_t count = 0;
  for (const std::string_view field : Split(Trim(stat), ' ')) {
    if (count == kFields) break;
    const auto value = ParseNumber<uint64_t>(field);
    if (!value) return std::nullopt;
    values[count++] = *value;
  }
  if (count < kFields) return std::nullopt;
  return DiskCounters{.reads = {.done = values[0], .spent_ms = values[3]},
                      .writes = {.done = values[4], .spent_ms = values[7]}};
}

std::optional<int64_t> RequestMeter::TakeUs(RequestCount now) {
  const std::optional<RequestCount> before = last_;
  last_ = now;
  if (!before || now.done < before->done) {
    gathered_ = {};
    return std::nullopt;
  }
  gathered_.done += now.done - before->done;
  gathered_.spent_ms += (now.spent_ms - before->spent_ms) & 0xffff'ffffU;
  if (gathered_.done == 0) {
    gathered_ = {};  // time without a request would be somebody else's
    return std::nullopt;
  }
  if (gathered_.done < kRequestsMin && gathered_.spent_ms < kSpentMsMin) return std::nullopt;
  const RequestCount told = gathered_;
  gathered_ = {};
  if (told.spent_ms / told.done > kMeanMsMax) return std::nullopt;
  return static_cast<int64_t>((told.spent_ms * 1000 + told.done / 2) / told.done);
}

}  // namespace candor
