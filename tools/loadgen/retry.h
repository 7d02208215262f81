// How simulated laptops try again: soon, for the fleet is played in hurried time. Any thread.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace candor::loadgen {

constexpr int64_t kRetryBaseMs = 50;
constexpr int64_t kRetryCapMs = 2'000;

// Whether a collector that is busy, going or gone may be the cause.
inline bool WorthAnotherTry(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsCancelled(status) || absl::IsAborted(status);
}

}  // namespace candor::loadgen
