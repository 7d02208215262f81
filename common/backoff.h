// Retry with full jitter
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): the n-th delay is
// uniform in [0, min(cap, base * 2^n)). One thread.
#pragma once

#include <cstdint>

#include "common/random.h"

namespace candor {

class Backoff {
 public:
  // `random` must outlive the object.
  Backoff(int64_t base_ms, int64_t cap_ms, Random& random)
      : base_ms_(base_ms), cap_ms_(cap_ms), random_(random) {}

  // The delay before the next try, in milliseconds.
  int64_t NextMs();
  // After a success.
  void Reset() { failures_ = 0; }
  int failures() const { return failures_; }

 private:
  int64_t base_ms_;
  int64_t cap_ms_;
  Random& random_;
  int failures_ = 0;
};

}  // namespace candor
