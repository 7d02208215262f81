#include "tools/loadgen/laptop_player.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include "common/backoff.h"
#include "common/status.h"
#include "tools/loadgen/retry.h"

namespace candor::loadgen {
namespace {

constexpr size_t kHeldBytesMax = 4 << 20;
// Where streams break on purpose, and where batches go out before their turn.
constexpr uint32_t kBreakEvery = 13;
constexpr uint64_t kOutOfTurnEvery = 5;

}  // namespace

LaptopPlayer::LaptopPlayer(const FleetPlan& plan, uint32_t index, Credential credential,
                           Manners manners, const Clock& clock, Traffic& traffic, Figures* figures)
    : plan_(plan),
      credential_(std::move(credential)),
      manners_(manners),
      clock_(clock),
      traffic_(traffic),
      figures_(figures),
      spooler_(std::make_unique<Spooler>(plan, index)),
      jitter_(plan.seed ^ index) {
  if (figures_ == nullptr) return;
  figures_->devices = 1;
  spooler_->OnDay([this](const LaptopDay& day) { figures_->AddDay(day); });
}

absl::Status LaptopPlayer::Wait(int64_t ms) const {
  // In slices, so that one laptop's failure ends the whole play soon.
  const int64_t until_ms = clock_.MonotonicMs() + ms;
  while (!traffic_.stop && clock_.MonotonicMs() < until_ms) {
    const int64_t left_ms = until_ms - clock_.MonotonicMs();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::clamp<int64_t>(left_ms, 1, 100)));
  }
  return traffic_.stop ? absl::CancelledError("stopped") : absl::OkStatus();
}

absl::Status LaptopPlayer::Play(const Limit& limit) {
  Backoff backoff(kRetryBaseMs, kRetryCapMs, jitter_);
  int64_t give_up_ms = clock_.MonotonicMs() + manners_.retry_for_ms;
  while (Hold(limit) || !held_.empty()) {
    const uint64_t acked_before = acked_;
    const absl::Status status = PushOnce(limit);
    if (traffic_.stop) return absl::CancelledError("stopped");
    if (status.ok()) continue;
    ++traffic_.broken;
    if (acked_ > acked_before) {
      backoff.Reset();
      give_up_ms = clock_.MonotonicMs() + manners_.retry_for_ms;
    }
    if (std::exchange(broke_on_purpose_, false)) continue;
    if (!WorthAnotherTry(status)) return Prefix(status, profile().host);
    if (clock_.MonotonicMs() > give_up_ms) return Prefix(status, profile().host);
    const auto throttle_ms = static_cast<int64_t>(std::exchange(throttle_ms_, 0));
    CANDOR_RETURN_IF_ERROR(Wait(std::max(backoff.NextMs(), throttle_ms)));
  }
  return absl::OkStatus();
}

std::optional<int64_t> LaptopPlayer::NextSendMs() {
  if (!held_.empty()) return held_.front().send_wall_ms;
  return LookAhead() ? std::optional(ahead_->send_wall_ms) : std::nullopt;
}

bool LaptopPlayer::LookAhead() {
  if (ahead_) return true;
  SimulatedBatch batch;
  if (!spooler_->Next(batch)) return false;
  ahead_ = std::move(batch);
  return true;
}

// Takes one more batch from the spooler, where there is one and the limit lets it.
bool LaptopPlayer::Hold(const Limit& limit) {
  if (!ahead_ && limit.before_late && spooler_->OnlyLateLeft()) return false;
  if (!LookAhead() || ahead_->send_wall_ms > limit.send_until_ms) return false;
  held_bytes_ += ahead_->sealed.size();
  last_sealed_ = ahead_->seq;
  ++traffic_.batches;
  traffic_.bytes += ahead_->sealed.size();
  if (figures_ != nullptr) ++figures_->batches;
  held_.push_back(std::move(*ahead_));
  ahead_.reset();
  return true;
}

void LaptopPlayer::Forget(uint64_t through) {
  acked_ = std::max(acked_, std::min(through, last_sealed_));
  while (!held_.empty() && held_.front().seq <= through) {
    held_bytes_ -= held_.front().sealed.size();
    held_.pop_front();
  }
}

Push::Begin LaptopPlayer::Begin(uint64_t first_held) const {
  return {spooler_->epoch(), first_held, last_sealed_, clock_.WallMs(), clock_.BoottimeMs()};
}

absl::Status LaptopPlayer::PushOnce(const Limit& limit) {
  ++traffic_.streams;
  sent_on_stream_ = 0;
  Push push(credential_, Begin(held_.empty() ? last_sealed_ + 1 : held_.front().seq));
  if (push.state().welcomed) CANDOR_RETURN_IF_ERROR(SendAll(push, limit));
  const absl::Status status = push.Finish();
  const PushState state = push.state();
  Forget(state.acked);
  throttle_ms_ = state.throttle_ms;
  if (state.refused > 0) return absl::InvalidArgumentError("refused " + state.refusal);
  if (!status.ok()) return status;
  if (state.throttle_ms > 0) {
    ++traffic_.throttled;
    return absl::ResourceExhaustedError("throttled");
  }
  if (!held_.empty()) return absl::UnavailableError("the collector ended the stream early");
  return absl::OkStatus();
}

// Sends until nothing is left or the stream is over; the caller finds out which.
absl::Status LaptopPlayer::SendAll(Push& push, const Limit& limit) {
  uint64_t next = 0;  // seq to send next; set by the first welcome
  uint64_t welcomes = 0;
  for (;;) {
    PushState state = push.state();
    if (state.ended || state.throttle_ms != 0 || traffic_.stop) return absl::OkStatus();
    Forget(state.acked);
    // The first Welcome, or a later one because something came before its turn.
    if (state.welcomes > welcomes) next = state.next_seq;
    welcomes = state.welcomes;
    // What was acknowledged since is not sent again, whatever a Welcome on the way said.
    next = std::max(next, held_.empty() ? last_sealed_ + 1 : held_.front().seq);
    if (next > last_sealed_ && !Hold(limit)) {
      if (held_.empty()) return absl::OkStatus();
      state = push.WaitFor(last_sealed_, welcomes);
      if (state.welcomes == welcomes && state.acked < last_sealed_) return absl::OkStatus();
      continue;
    }
    if (held_.empty() || next > last_sealed_) continue;
    if (held_bytes_ > kHeldBytesMax && next > held_.front().seq) {
      push.WaitFor(held_.front().seq, welcomes);
      continue;
    }
    const size_t at = static_cast<size_t>(next - held_.front().seq);
    if (at >= held_.size()) {
      return absl::InternalError("the collector expects seq " + std::to_string(next) +
                                 " and the laptop holds up to " + std::to_string(last_sealed_));
    }
    if (!SendMischief(push, at, limit)) return absl::OkStatus();
    if (!push.Send(held_[at].sealed)) return absl::OkStatus();
    ++next;
  }
}

// What a laptop does that does not keep in step: batches before their turn, batches again, streams
// broken in the middle. False when the stream is over.
bool LaptopPlayer::SendMischief(Push& push, size_t at, const Limit& limit) {
  if (manners_.twice) {
    if (held_[at].seq % kOutOfTurnEvery == 0) {
      if (at + 1 >= held_.size()) Hold(limit);
      if (at + 1 < held_.size()) {
        ++traffic_.sent_again;
        if (!push.Send(held_[at + 1].sealed)) return false;
      }
    }
    ++traffic_.sent_again;
    if (!push.Send(held_[at].sealed)) return false;
  }
  if ((manners_.reconnect || manners_.twice) && ++sent_on_stream_ % kBreakEvery == 0) {
    broke_on_purpose_ = true;
    // Breaking before the first answer, stream after stream, would never get anywhere.
    push.WaitFor(held_.front().seq, std::numeric_limits<uint64_t>::max());
    push.Break();
    return false;
  }
  return true;
}

// Breaks the stream, but only one that brought something forward: a laptop whose every stream broke
// before its first acknowledgement would try for ever.
bool LaptopPlayer::BreakAfterProgress(Push& push) {
  const uint64_t wanted = held_.front().seq;
  if (push.WaitFor(wanted, push.state().welcomes).acked < wanted) return false;
  broke_on_purpose_ = true;
  push.Break();
  return true;
}

absl::Status LaptopPlayer::Repeat() {
  Backoff backoff(kRetryBaseMs, kRetryCapMs, jitter_);
  const int64_t give_up_ms = clock_.MonotonicMs() + manners_.retry_for_ms;
  for (;;) {
    Spooler spooler(plan_, profile().index);
    ++traffic_.streams;
    Push push(credential_, Begin(1));
    bool sent = push.state().welcomed;
    SimulatedBatch batch;
    while (sent && !traffic_.stop && spooler.Next(batch)) {
      sent = push.Send(batch.sealed);
      ++traffic_.sent_again;
    }
    const absl::Status status = push.Finish();
    const PushState state = push.state();
    if (traffic_.stop) return absl::CancelledError("stopped");
    if (sent && status.ok() && state.throttle_ms == 0) return absl::OkStatus();
    ++traffic_.broken;
    if (!status.ok() && !WorthAnotherTry(status)) return Prefix(status, profile().host);
    if (clock_.MonotonicMs() > give_up_ms) {
      return Prefix(status.ok() ? absl::UnavailableError("the stream ended early") : status,
                    profile().host);
    }
    CANDOR_RETURN_IF_ERROR(Wait(std::max<int64_t>(backoff.NextMs(), state.throttle_ms)));
  }
}

}  // namespace candor::loadgen
