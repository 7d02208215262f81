#include "agent/session/settling.h"

#include <algorithm>

namespace candor {

std::optional<int64_t> Settling::Update(int64_t now_us, Stalls totals) {
  if (!last_us_) {
    quiet_since_us_ = now_us - desktop_us_ <= kUnseenUsMax ? desktop_us_ : now_us;
  } else {
    const int64_t stalled_us =
        std::max(totals.memory_us - last_.memory_us, totals.io_us - last_.io_us);
    if (stalled_us * 100 > (now_us - *last_us_) * kStalledPctMax) quiet_since_us_ = now_us;
  }
  last_us_ = now_us;
  last_ = totals;
  if (now_us - quiet_since_us_ >= kQuietUs) return quiet_since_us_;
  if (now_us - desktop_us_ >= kAfterUsMax) return desktop_us_ + kAfterUsMax;
  return std::nullopt;
}

}  // namespace candor
