#include "common/backoff.h"

#include <algorithm>

namespace candor {

int64_t Backoff::NextMs() {
  constexpr int kDoublingsMax = 30;
  int64_t ceiling = base_ms_;
  for (int i = 0; i < std::min(failures_, kDoublingsMax) && ceiling < cap_ms_; ++i) ceiling *= 2;
  ++failures_;
  ceiling = std::min(ceiling, cap_ms_);
  return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(ceiling) + 1));
}

}  // namespace candor
