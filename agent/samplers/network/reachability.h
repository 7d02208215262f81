// How long the device was online, offline with a link up, and without any link. A plain state
// machine over monotonic time: what a probe round found holds until the next one. Whole seconds
// come out, the rest is carried. One thread.
#pragma once

#include <cstdint>

#include "agent/samplers/network/verdict.h"

namespace candor {

class Reachability {
 public:
  // A gap between ticks longer than this was not watched (the agent stood still).
  static constexpr int64_t kGapMsMax = 150'000;

  struct Seconds {
    int64_t online = 0;
    int64_t offline = 0;
    int64_t no_link = 0;
    int64_t watched_ms = 0;
  };

  // Time since the last call passed in the state known so far; nothing while none is known.
  Seconds Advance(int64_t monotonic_ms);
  // What a finished round of probes found.
  void RoundAnswered() { known_ = answered_ = true; }
  void RoundFailed(OfflineCause cause);
  // There are no services to probe.
  void RoundIdle() { known_ = answered_ = false; }
  void SetLinkUp(bool up) { link_up_ = up; }

  bool known() const { return known_; }
  bool answered() const { return answered_; }
  OfflineCause cause() const { return cause_; }

 private:
  int64_t last_ms_ = -1;
  bool known_ = false;
  bool answered_ = false;
  bool link_up_ = true;
  OfflineCause cause_ = OfflineCause::kNoAnswer;
  int64_t online_ms_ = 0;
  int64_t offline_ms_ = 0;
  int64_t no_link_ms_ = 0;
};

}  // namespace candor
