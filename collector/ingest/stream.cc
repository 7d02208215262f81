#include "collector/ingest/stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"

namespace candor {
namespace {

constexpr uint32_t kProtocol = 1;
constexpr uint64_t kSeqMax = kBeyondEverySeq - 2;
constexpr size_t kVersionBytesMax = 64;

absl::Status CheckHello(const v1::Hello& hello) {
  if (hello.protocol() != kProtocol) {
    return absl::UnimplementedError(absl::StrCat("protocol ", hello.protocol(), " of agent ",
                                                 hello.agent_version(),
                                                 " is not known to this collector"));
  }
  if (hello.epoch() == 0) return absl::InvalidArgumentError("Hello without an epoch");
  if (hello.first_held() == 0 || hello.last_sealed() > kSeqMax ||
      hello.first_held() > hello.last_sealed() + 1) {
    return absl::InvalidArgumentError(absl::StrCat("Hello holds places ", hello.first_held(),
                                                   " to ", hello.last_sealed(),
                                                   ", which cannot be"));
  }
  if (hello.agent_version().size() > kVersionBytesMax) {
    return absl::InvalidArgumentError("Hello with a version of over 64 bytes");
  }
  return absl::OkStatus();
}

}  // namespace

std::shared_ptr<IngestStream> StreamRegistry::Replace(int64_t device,
                                                      const std::shared_ptr<IngestStream>& stream) {
  std::lock_guard lock(mutex_);
  std::weak_ptr<IngestStream>& place = streams_[device];
  std::shared_ptr<IngestStream> before = place.lock();
  place = stream;
  return before;
}

void StreamRegistry::Remove(int64_t device, const IngestStream* stream) {
  std::lock_guard lock(mutex_);
  const auto it = streams_.find(device);
  if (it == streams_.end()) return;
  const std::shared_ptr<IngestStream> current = it->second.lock();
  if (current == nullptr || current.get() == stream) streams_.erase(it);
}

IngestStream* IngestStream::Start(IngestShared& shared, const absl::StatusOr<int64_t>& device) {
  std::shared_ptr<IngestStream> stream(new IngestStream(shared, device.ok() ? *device : 0));
  stream->self_ = stream;
  IngestStats& stats = shared.parts.stats;
  const IngestLimits& limits = shared.parts.limits;
  const bool busy =
      ++stats.streams_open > limits.streams_max || stats.pending_bytes > limits.pending_bytes_max;
  std::shared_ptr<IngestStream> before;
  if (device.ok() && !busy) before = shared.registry.Replace(*device, stream);
  if (before != nullptr) before->Supersede();

  std::lock_guard lock(stream->mutex_);
  if (!device.ok()) {
    ++stats.streams_denied;
    stream->End(ToGrpc(device.status()), true);
  } else if (busy) {
    ++stats.streams_throttled;
    const uint32_t window_s =
        ReconnectWindowSeconds(shared.parts.access.devices(), shared.parts.limits.cores);
    stream->throttle_ms_ =
        1'000 + static_cast<uint32_t>(shared.parts.random.Below(window_s * 1'000ULL));
    stream->End(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "collector is busy"), false);
  } else {
    ++stats.streams;
    stream->MaybeRead();
  }
  return stream.get();
}

void IngestStream::Supersede() {
  ++shared_.parts.stats.streams_superseded;
  std::lock_guard lock(mutex_);
  End(grpc::Status(grpc::StatusCode::ABORTED, "a newer stream of this device took over"), true);
}

void IngestStream::OnReadDone(bool ok) {
  bool hello = false;
  {
    std::lock_guard lock(mutex_);
    if (!ok) {
      reading_ = false;
      read_ended_ = true;
      if (epoch_ == 0 && !end_) {
        End(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "stream without a Hello"), false);
      }
      MaybeFinish();
      return;
    }
    if (end_) return;
    hello = epoch_ == 0;
  }
  // `reading_` stays set meanwhile: nobody else may start the next read into the same message.
  hello ? HandleHello() : HandleBatch();
  std::lock_guard lock(mutex_);
  reading_ = false;
  MaybeRead();
}

void IngestStream::HandleHello() {
  const v1::Hello& hello = message_.hello();
  const absl::Status status = message_.has_hello()
                                  ? CheckHello(hello)
                                  : absl::InvalidArgumentError("stream does not begin with Hello");
  std::lock_guard lock(mutex_);
  if (!status.ok()) {
    End(ToGrpc(status), false);
    return;
  }
  EpochHello opening;
  opening.device = device_;
  opening.epoch = hello.epoch();
  opening.first_held = hello.first_held();
  opening.last_sealed = hello.last_sealed();
  opening.agent_version = hello.agent_version();
  opening.received_ms = shared_.parts.clock.WallMs();
  opening.skew_ms = std::clamp(hello.wall_ms(), -kWallMsMax, kWallMsMax) - opening.received_ms;
  epoch_ = opening.epoch;
  skew_ms_ = opening.skew_ms;
  last_sealed_ = opening.last_sealed;
  configuration_hash_ = hello.configuration_hash();
  unanswered_.push_back(0);
  shared_.parts.queue.Open(shared_from_this(), std::move(opening));
}

void IngestStream::HandleBatch() {
  if (message_.message_case() != v1::AgentMessage::kBatch) {
    std::lock_guard lock(mutex_);
    if (message_.has_hello()) {
      End(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "a second Hello"), false);
    }
    return;  // a message of a newer protocol is skipped
  }
  if (const absl::Status allowed = shared_.parts.access.may_send(device_); !allowed.ok()) {
    std::lock_guard lock(mutex_);
    End(ToGrpc(allowed), true);
    return;
  }
  Arrival arrival = shared_.checkers.Check(std::move(*message_.mutable_batch()), epoch_, place_);
  arrival.device = device_;
  arrival.received_ms = shared_.parts.clock.WallMs();

  std::lock_guard lock(mutex_);
  arrival.skew_ms = skew_ms_;
  place_ = arrival.seq_last + 1;
  unanswered_.push_back(arrival.sealed.size());
  unanswered_bytes_ += arrival.sealed.size();
  shared_.parts.queue.Append(shared_from_this(), std::move(arrival));
}

void IngestStream::OnOpened(const absl::StatusOr<EpochPlace>& place) {
  std::lock_guard lock(mutex_);
  unanswered_.pop_front();
  if (!place.ok()) {
    End(grpc::Status(grpc::StatusCode::UNAVAILABLE,
                     absl::StrCat("cannot store: ", place.status().message())),
        false);
    return;
  }
  opened_ = true;
  place_ = place->next_seq;
  acked_ = 0;
  welcome_ = place->next_seq;
}

void IngestStream::OnAppended(const absl::StatusOr<BatchAnswer>& answer) {
  std::lock_guard lock(mutex_);
  unanswered_bytes_ -= unanswered_.front();
  unanswered_.pop_front();
  if (!answer.ok()) {
    End(grpc::Status(grpc::StatusCode::UNAVAILABLE,
                     absl::StrCat("cannot store: ", answer.status().message())),
        false);
    return;
  }
  if (answer->verdict == Verdict::kAhead) {
    if (told_expected_ != answer->expected) welcome_ = answer->expected;
    told_expected_ = answer->expected;
    return;
  }
  ack_through_ = std::max(ack_through_, answer->through);
  retire_epoch_ = answer->settled && ack_through_ >= last_sealed_;
  if (answer->verdict == Verdict::kRefused) {
    v1::Ack::Refusal& refusal = refusals_.emplace_back();
    refusal.set_seq(answer->seq);
    refusal.set_reason(static_cast<v1::RefusalReason>(answer->refusal));
    refusal.set_detail(answer->detail);
  }
}

void IngestStream::OnAnswered() {
  std::lock_guard lock(mutex_);
  MaybeWrite();
  MaybeRead();
}

void IngestStream::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  writing_ = false;
  if (!ok) {
    End(grpc::Status(grpc::StatusCode::CANCELLED, "the laptop went away"), true);
    return;
  }
  MaybeWrite();
}

void IngestStream::OnCancel() {
  std::lock_guard lock(mutex_);
  End(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled"), true);
}

void IngestStream::OnDone() {
  std::shared_ptr<IngestStream> keep;
  {
    std::lock_guard lock(mutex_);
    keep.swap(self_);
  }
  --shared_.parts.stats.streams_open;
  shared_.registry.Remove(device_, this);
}

void IngestStream::MaybeRead() {
  const bool waiting_for_welcome = epoch_ != 0 && !opened_;
  if (reading_ || read_ended_ || finished_ || end_ || waiting_for_welcome) return;
  if (unanswered_bytes_ >= shared_.parts.limits.stream_pending_bytes_max) return;
  if (epoch_ != 0 && shared_.parts.stats.pending_bytes > shared_.parts.limits.pending_bytes_max &&
      !unanswered_.empty()) {
    return;  // OnAnswered reads on
  }
  reading_ = true;
  StartRead(&message_);
}

bool IngestStream::HasOutput() const {
  return welcome_.has_value() || throttle_ms_ != 0 || ack_through_ > acked_ || !refusals_.empty() ||
         (retire_epoch_ && unanswered_.empty());
}

bool IngestStream::FillNextMessage() {
  out_.Clear();
  if (throttle_ms_ != 0) {
    out_.mutable_throttle()->set_retry_after_ms(std::exchange(throttle_ms_, 0));
    out_.mutable_throttle()->set_reason("collector is busy");
    return true;
  }
  if (welcome_) {
    FillWelcome(*std::exchange(welcome_, std::nullopt));
    return true;
  }
  if (ack_through_ > acked_ || !refusals_.empty()) {
    FillAck();
    return true;
  }
  if (retire_epoch_ && unanswered_.empty()) {
    retire_epoch_ = false;
    FillWelcome(kBeyondEverySeq);
    return true;
  }
  return false;
}

void IngestStream::FillWelcome(uint64_t next_seq) {
  const IngestParts& parts = shared_.parts;
  v1::Welcome& welcome = *out_.mutable_welcome();
  const int64_t now_ms = parts.clock.WallMs();
  welcome.set_next_seq(next_seq);
  welcome.set_wall_ms(now_ms);
  welcome.set_reconnect_window_s(
      ReconnectWindowSeconds(parts.access.devices(), parts.limits.cores));
  const auto configuration = parts.configurations.For(device_, now_ms);
  if (configuration->hash() != configuration_hash_) {
    *welcome.mutable_configuration() = *configuration;
    configuration_hash_ = configuration->hash();
  }
}

void IngestStream::FillAck() {
  v1::Ack& ack = *out_.mutable_ack();
  ack.set_epoch(epoch_);
  ack.set_through(ack_through_);
  for (v1::Ack::Refusal& refusal : refusals_) *ack.add_refused() = std::move(refusal);
  refusals_.clear();
  acked_ = ack_through_;
}

void IngestStream::MaybeWrite() {
  if (writing_ || finished_) return;
  if (!end_urgent_ && FillNextMessage()) {
    writing_ = true;
    StartWrite(&out_);
    return;
  }
  MaybeFinish();
}

void IngestStream::End(grpc::Status status, bool urgent) {
  if (!end_) end_ = std::move(status);
  end_urgent_ = end_urgent_ || urgent;
  if (!end_urgent_) MaybeWrite();
  MaybeFinish();
}

void IngestStream::MaybeFinish() {
  if (finished_ || writing_) return;
  const bool answered = unanswered_.empty() && !HasOutput();
  if (end_ ? (end_urgent_ || answered) : (read_ended_ && answered)) {
    finished_ = true;
    Finish(end_.value_or(grpc::Status::OK));
  }
}

}  // namespace candor
