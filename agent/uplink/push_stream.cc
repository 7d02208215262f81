#include "agent/uplink/push_stream.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "candor/v1/ingest.grpc.pb.h"
#include "common/batch.h"
#include "common/rpc/channel.h"
#include "common/status.h"

namespace candor {

struct PushStream::Call {
  std::unique_ptr<v1::Ingest::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CollectorMessage>> stream;
};

PushStream::PushStream(std::shared_ptr<grpc::Channel> channel, DaemonLink& link, const Clock& clock,
                       int64_t deadline_ms)
    : link_(link), clock_(clock), deadline_ms_(deadline_ms), call_(std::make_unique<Call>()) {
  call_->stub = v1::Ingest::NewStub(std::move(channel));
}

PushStream::~PushStream() = default;

absl::Status PushStream::Run(v1::Hello hello) {
  const int64_t left_ms = std::max<int64_t>(deadline_ms_ - clock_.MonotonicMs(), 1);
  call_->context.set_deadline(std::chrono::system_clock::now() +
                              std::chrono::milliseconds(left_ms));
  call_->stream = call_->stub->Stream(&call_->context);
  v1::AgentMessage message;
  hello.set_wall_ms(clock_.WallMs());
  hello.set_boottime_ms(clock_.BoottimeMs());
  *message.mutable_hello() = std::move(hello);
  call_->stream->Write(message);
  std::thread receiver([this] { ReceiveAll(); });
  const absl::Status sent = AwaitWelcome() ? SendBatches() : absl::OkStatus();
  if (sent.ok()) {
    call_->stream->WritesDone();
  } else {
    call_->context.TryCancel();
  }
  receiver.join();
  const absl::Status finished = FromGrpc(call_->stream->Finish());
  return sent.ok() ? finished : sent;
}

void PushStream::ReceiveAll() {
  v1::CollectorMessage message;
  while (call_->stream->Read(&message)) Take(message);
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
  link_.Wake();
}

void PushStream::Take(v1::CollectorMessage& message) {
  v1::FromUplink to_daemon;
  {
    const std::lock_guard lock(mutex_);
    if (message.has_welcome()) {
      // Told again in the middle of a stream, it means that what is under way was not taken.
      next_seq_ = message.welcome().next_seq();
      in_flight_.clear();
      in_flight_bytes_ = 0;
      *to_daemon.mutable_welcome() = std::move(*message.mutable_welcome());
    } else if (message.has_ack()) {
      while (!in_flight_.empty() && in_flight_.front().last_seq <= message.ack().through()) {
        in_flight_bytes_ -= in_flight_.front().bytes;
        in_flight_.pop_front();
      }
      *to_daemon.mutable_ack() = std::move(*message.mutable_ack());
    } else if (message.has_throttle()) {
      throttled_ = true;
      *to_daemon.mutable_throttle() = std::move(*message.mutable_throttle());
    } else if (message.has_configuration()) {
      *to_daemon.mutable_configuration() = std::move(*message.mutable_configuration());
    } else {
      return;  // of a kind this version does not know
    }
    changed_.notify_all();
  }
  // A daemon that is gone shows where batches are read.
  link_.Send(to_daemon).IgnoreError();
}

bool PushStream::AwaitWelcome() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return next_seq_.has_value() || ended_; });
  return next_seq_.has_value();
}

bool PushStream::AwaitRoom(size_t bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return ended_ || in_flight_bytes_ == 0 || in_flight_bytes_ + bytes <= kInFlightBytesMax;
  });
  return !ended_;
}

absl::Status PushStream::SendBatches() {
  while (true) {
    absl::StatusOr<v1::ToUplink> message = link_.Next();
    if (absl::IsAborted(message.status())) return absl::OkStatus();  // the collector ended it
    if (!message.ok()) return message.status();
    if (message->has_end()) return absl::OkStatus();
    if (message->has_batch() && !SendBatch(*message->mutable_batch())) return absl::OkStatus();
  }
}

bool PushStream::SendBatch(std::string& sealed) {
  v1::SealedBatch batch;
  // What cannot be parsed is the collector's to refuse: it is sent as it is.
  const uint64_t last_seq = ParseSealed(sealed, batch).ok() ? LastSeq(batch) : UINT64_MAX;
  const size_t bytes = sealed.size();
  if (!AwaitRoom(bytes)) return false;
  {
    const std::lock_guard lock(mutex_);
    if (last_seq < *next_seq_) return true;  // the collector has it
    in_flight_.push_back({last_seq, bytes});
    in_flight_bytes_ += bytes;
  }
  v1::AgentMessage message;
  message.set_batch(std::move(sealed));
  return call_->stream->Write(message);
}

}  // namespace candor
