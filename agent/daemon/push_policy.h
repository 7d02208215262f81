// When to push: pure decisions on a clock, so that every rule can be tested. The Pusher asks it and
// does it.
//
// Regular pushes come every `active_s` in use and every `idle_s` else (twice that on battery),
// every minute while an administrator watches, shifted by up to a fifth at random so that a fleet
// does not march in step. An urgent event is pushed within two seconds, at most one such push a
// minute. After a failure: full jitter from 1 s to 5 min, for ever; the first retry after a
// collector was lost is spread over the window that the collector last advised. A throttle is
// obeyed. Where a retry cannot help soon (not enrolled, revoked, expired certificate), the pace is
// a slow one.
//
// Times are on the boot clock, which counts suspend: after a night in a bag a push is due. One
// thread.
#pragma once

#include <cstdint>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/random.h"

namespace candor {

struct PushCadence {
  int64_t active_s = 300;
  int64_t idle_s = 900;
  bool watched = false;
};

class PushPolicy {
 public:
  static constexpr int64_t kFirstSpreadMs = 10'000;
  static constexpr int64_t kWatchedMs = 60'000;
  static constexpr int64_t kUrgentSpreadMs = 2'000;
  static constexpr int64_t kUrgentEveryMs = 60'000;
  static constexpr int64_t kRetryBaseMs = 1'000;
  static constexpr int64_t kRetryCapMs = 300'000;
  static constexpr int64_t kRetryFloorMs = 500;
  static constexpr int64_t kThrottleMaxMs = 3'600'000;
  static constexpr int64_t kReconnectWindowMaxMs = 3'600'000;
  static constexpr int64_t kNotEnrolledMs = 30'000;
  static constexpr int64_t kHopelessMs = 900'000;

  enum class Failure {
    kUnreachable,  // no answer, or a stream that broke
    kNotEnrolled,  // wait until somebody enrols
    kHopeless,     // a person has to act: revoked, expired, wrong role, foreign server
  };

  // `clock` and `random` must outlive the policy.
  PushPolicy(const Clock& clock, Random& random);

  void SetCadence(const PushCadence& cadence) { cadence_ = cadence; }
  // The window of first retries that the collector advises.
  void SetReconnectWindow(uint32_t window_s);

  // Somebody should know soon.
  void OnUrgent();
  // A person asks: as urgent, and what waits for a person waits no longer.
  void OnAsked();
  // A push begins: it carries whatever was urgent until now, and nothing that comes later.
  void OnStart();
  void OnSuccess();
  // A push went through; there is more to send, or a new epoch to begin: go on at once.
  void OnMore();
  void OnFailure(Failure failure);
  void OnThrottle(int64_t retry_after_ms);

  // The moment of the next push on the boot clock.
  int64_t DueMs(bool in_use, bool on_battery) const;
  bool Due(bool in_use, bool on_battery) const {
    return clock_.BoottimeMs() >= DueMs(in_use, on_battery);
  }
  // The last push failed or was throttled.
  bool failing() const { return failing_; }

 private:
  static constexpr int64_t kNone = INT64_MAX;
  int64_t IntervalMs(bool in_use, bool on_battery) const;

  const Clock& clock_;
  Random& random_;
  PushCadence cadence_;
  Backoff backoff_;
  int64_t reconnect_window_ms_ = 0;
  int64_t last_ms_;      // when the last push ended well
  bool pushed_ = false;  // since this process started
  double shift_;         // of the regular interval, -0.2 to 0.2
  int64_t first_at_ms_;
  int64_t retry_at_ms_ = kNone;  // while failing or throttled, or when there is more to send
  bool failing_ = false;
  bool waits_for_person_ = false;
  int64_t urgent_at_ms_ = kNone;
  int64_t last_urgent_ms_;
};

}  // namespace candor
