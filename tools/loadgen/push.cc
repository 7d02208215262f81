#include "tools/loadgen/push.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "candor/v1/ingest.grpc.pb.h"
#include "common/rpc/channel.h"
#include "common/version.h"

namespace candor::loadgen {
namespace {
constexpr auto kSilenceMax = std::chrono::seconds(60);
}  // namespace

struct Push::Stream {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Ingest::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CollectorMessage>> calls;
  std::thread reader;
  bool finished = false;
  v1::AgentMessage message;

  mutable std::mutex mutex;
  std::condition_variable heard;
  PushState state;

  void Read();
  void Hear(const v1::CollectorMessage& said);
};

void Push::Stream::Read() {
  v1::CollectorMessage said;
  while (calls->Read(&said)) {
    const std::lock_guard lock(mutex);
    Hear(said);
    heard.notify_all();
  }
  const std::lock_guard lock(mutex);
  state.ended = true;
  heard.notify_all();
}

void Push::Stream::Hear(const v1::CollectorMessage& said) {
  if (said.has_welcome()) {
    state.welcomed = true;
    ++state.welcomes;
    state.next_seq = said.welcome().next_seq();
    if (state.next_seq > 0) state.acked = std::max(state.acked, state.next_seq - 1);
  }
  if (said.has_ack()) {
    state.acked = std::max(state.acked, said.ack().through());
    if (said.ack().refused_size() > 0 && state.refused == 0) {
      const v1::Ack::Refusal& first = said.ack().refused(0);
      state.refusal = "seq " + std::to_string(first.seq()) + ": " +
                      v1::RefusalReason_Name(first.reason()) + " " + first.detail();
    }
    state.refused += static_cast<uint64_t>(said.ack().refused_size());
  }
  if (said.has_throttle()) state.throttle_ms = std::max(said.throttle().retry_after_ms(), 1U);
}

Push::Push(const Credential& credential, const Begin& begin) : stream_(std::make_unique<Stream>()) {
  Stream& s = *stream_;
  s.channel = FleetChannel(credential.collector, credential);
  s.stub = v1::Ingest::NewStub(s.channel);
  s.calls = s.stub->Stream(&s.context);
  v1::Hello* hello = s.message.mutable_hello();
  hello->set_protocol(1);
  hello->set_agent_version(std::string(kVersion));
  hello->set_epoch(begin.epoch);
  hello->set_first_held(begin.first_held);
  hello->set_last_sealed(begin.last_sealed);
  hello->set_wall_ms(begin.wall_ms);
  hello->set_boottime_ms(begin.boottime_ms);
  s.calls->Write(s.message);
  s.reader = std::thread([&s] { s.Read(); });
  std::unique_lock lock(s.mutex);
  const bool said = s.heard.wait_for(lock, kSilenceMax, [&s] {
    return s.state.welcomed || s.state.ended || s.state.throttle_ms != 0;
  });
  if (!said) s.context.TryCancel();
}

Push::~Push() {
  if (!stream_->finished) {
    Break();
    Finish().IgnoreError();
  }
}

bool Push::Send(const std::string& sealed) {
  stream_->message.set_batch(sealed);
  return stream_->calls->Write(stream_->message);
}

PushState Push::state() const {
  const std::lock_guard lock(stream_->mutex);
  return stream_->state;
}

PushState Push::WaitFor(uint64_t wanted, uint64_t welcomes_seen) {
  Stream& s = *stream_;
  std::unique_lock lock(s.mutex);
  for (;;) {
    const uint64_t acked = s.state.acked;
    const auto enough = [&] {
      return s.state.acked >= wanted || s.state.welcomes > welcomes_seen || s.state.ended ||
             s.state.throttle_ms != 0;
    };
    // Every acknowledgement on the way is a sign of life.
    const bool said =
        s.heard.wait_for(lock, kSilenceMax, [&] { return enough() || s.state.acked > acked; });
    if (!said) s.context.TryCancel();
    if (!said || enough()) return s.state;
  }
}

absl::Status Push::Finish() {
  Stream& s = *stream_;
  if (s.finished) return absl::OkStatus();
  s.finished = true;
  s.calls->WritesDone();
  {
    std::unique_lock lock(s.mutex);
    if (!s.heard.wait_for(lock, kSilenceMax, [&s] { return s.state.ended; })) {
      s.context.TryCancel();
    }
  }
  s.reader.join();
  return FromGrpc(s.calls->Finish());
}

void Push::Break() { stream_->context.TryCancel(); }

}  // namespace candor::loadgen
