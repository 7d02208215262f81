#include "agent/daemon/push_policy.h"

#include <algorithm>

namespace candor {

PushPolicy::PushPolicy(const Clock& clock, Random& random)
    : clock_(clock),
      random_(random),
      backoff_(kRetryBaseMs, kRetryCapMs, random),
      last_ms_(clock.BoottimeMs()),
      shift_(0.4 * random.Unit() - 0.2),
      first_at_ms_(clock.BoottimeMs() + static_cast<int64_t>(random.Below(kFirstSpreadMs))),
      last_urgent_ms_(clock.BoottimeMs() - kUrgentEveryMs) {}

void PushPolicy::SetReconnectWindow(uint32_t window_s) {
  reconnect_window_ms_ = std::min<int64_t>(int64_t{window_s} * 1'000, kReconnectWindowMaxMs);
}

void PushPolicy::OnUrgent() {
  if (urgent_at_ms_ != kNone) return;
  const int64_t soon_ms =
      clock_.BoottimeMs() + static_cast<int64_t>(random_.Below(kUrgentSpreadMs));
  urgent_at_ms_ = std::max(soon_ms, last_urgent_ms_ + kUrgentEveryMs);
}

void PushPolicy::OnAsked() {
  if (waits_for_person_) retry_at_ms_ = kNone;
  OnUrgent();
}

void PushPolicy::OnStart() {
  if (urgent_at_ms_ == kNone) return;
  urgent_at_ms_ = kNone;
  last_urgent_ms_ = clock_.BoottimeMs();
}

void PushPolicy::OnSuccess() {
  const int64_t now_ms = clock_.BoottimeMs();
  backoff_.Reset();
  failing_ = false;
  retry_at_ms_ = kNone;
  waits_for_person_ = false;
  pushed_ = true;
  last_ms_ = now_ms;
  shift_ = 0.4 * random_.Unit() - 0.2;
}

void PushPolicy::OnMore() {
  OnSuccess();
  retry_at_ms_ = clock_.BoottimeMs();
}

void PushPolicy::OnFailure(Failure failure) {
  const int64_t now_ms = clock_.BoottimeMs();
  const bool lost = pushed_ && backoff_.failures() == 0;
  waits_for_person_ = failure != Failure::kUnreachable;
  failing_ = true;
  int64_t delay_ms = std::max(backoff_.NextMs(), kRetryFloorMs);
  if (failure == Failure::kNotEnrolled) {
    delay_ms = kNotEnrolledMs;
  } else if (failure == Failure::kHopeless) {
    delay_ms = kHopelessMs + static_cast<int64_t>(shift_ * kHopelessMs);
  } else if (lost && reconnect_window_ms_ > 0) {
    delay_ms = static_cast<int64_t>(random_.Below(static_cast<uint64_t>(reconnect_window_ms_)));
  }
  retry_at_ms_ = now_ms + delay_ms;
}

void PushPolicy::OnThrottle(int64_t retry_after_ms) {
  const int64_t wait_ms = std::clamp(retry_after_ms, kRetryFloorMs, kThrottleMaxMs);
  // Who is asked to come back together would come back together.
  const auto spread_ms =
      static_cast<int64_t>(random_.Below(static_cast<uint64_t>(wait_ms / 5 + 1)));
  failing_ = true;
  retry_at_ms_ = clock_.BoottimeMs() + wait_ms + spread_ms;
}

int64_t PushPolicy::IntervalMs(bool in_use, bool on_battery) const {
  int64_t interval_ms = (in_use ? cadence_.active_s : cadence_.idle_s) * 1'000;
  if (on_battery) interval_ms *= 2;
  if (cadence_.watched) interval_ms = std::min(interval_ms, kWatchedMs);
  return interval_ms + static_cast<int64_t>(shift_ * static_cast<double>(interval_ms));
}

int64_t PushPolicy::DueMs(bool in_use, bool on_battery) const {
  // A failing or throttled collector is not asked sooner for anything.
  if (retry_at_ms_ != kNone) return retry_at_ms_;
  const int64_t regular_ms = pushed_ ? last_ms_ + IntervalMs(in_use, on_battery) : first_at_ms_;
  return std::min(regular_ms, urgent_at_ms_);
}

}  // namespace candor
