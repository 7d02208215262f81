#include "agent/samplers/network/reachability.h"

#include <utility>

namespace candor {
namespace {

int64_t TakeWholeSeconds(int64_t& ms) {
  const int64_t seconds = ms / 1000;
  ms -= seconds * 1000;
  return seconds;
}

}  // namespace

Reachability::Seconds Reachability::Advance(int64_t monotonic_ms) {
  const int64_t before = std::exchange(last_ms_, monotonic_ms);
  const int64_t elapsed = monotonic_ms - before;
  Seconds seconds;
  if (!known_ || before < 0 || elapsed <= 0 || elapsed > kGapMsMax) return seconds;
  if (answered_) {
    online_ms_ += elapsed;
  } else if (link_up_) {
    offline_ms_ += elapsed;
  } else {
    no_link_ms_ += elapsed;
  }
  seconds.online = TakeWholeSeconds(online_ms_);
  seconds.offline = TakeWholeSeconds(offline_ms_);
  seconds.no_link = TakeWholeSeconds(no_link_ms_);
  seconds.watched_ms = elapsed;
  return seconds;
}

void Reachability::RoundFailed(OfflineCause cause) {
  known_ = true;
  answered_ = false;
  cause_ = cause;
}

}  // namespace candor
