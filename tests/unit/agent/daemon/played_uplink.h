// An uplink played by a test, at the other end of the daemon's socket.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/local/framing.h"
#include "candor/v1/envelope.pb.h"
#include "candor/v1/local.pb.h"
#include "common/batch.h"

namespace candor::testing {

// The uplink's end: blocking, on a thread of its own.
class PlayedUplink {
 public:
  explicit PlayedUplink(int fd) : fd_(fd) {}
  ~PlayedUplink() { close(fd_); }
  PlayedUplink(const PlayedUplink&) = delete;
  PlayedUplink& operator=(const PlayedUplink&) = delete;

  std::optional<v1::ToUplink> Next() {
    while (true) {
      const auto frame = reader_.Next();
      if (!frame.ok()) return std::nullopt;
      if (*frame) {
        v1::ToUplink message;
        if (!message.ParseFromString(std::string(**frame))) return std::nullopt;
        return message;
      }
      pollfd ready{fd_, POLLIN, 0};
      if (poll(&ready, 1, 5'000) <= 0) return std::nullopt;
      char bytes[4'096];
      const ssize_t size = read(fd_, bytes, sizeof bytes);
      if (size <= 0) return std::nullopt;
      reader_.Append(std::string_view(bytes, static_cast<size_t>(size)));
    }
  }
  // Nothing is there to be read.
  bool Quiet(int ms) {
    pollfd ready{fd_, POLLIN, 0};
    return poll(&ready, 1, ms) == 0;
  }
  void Say(const v1::FromUplink& message) {
    std::string frame;
    static_cast<void>(AppendMessageFrame(message, frame));
    static_cast<void>(send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL));
  }
  void SayRaw(const std::string& bytes) {
    static_cast<void>(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  void Welcome(uint64_t next_seq) {
    v1::FromUplink message;
    message.mutable_welcome()->set_next_seq(next_seq);
    Say(message);
  }
  void Ack(uint64_t epoch, uint64_t through) {
    v1::FromUplink message;
    message.mutable_ack()->set_epoch(epoch);
    message.mutable_ack()->set_through(through);
    Say(message);
  }
  void Done(v1::PushDone::Outcome outcome) {
    v1::FromUplink message;
    message.mutable_done()->set_outcome(outcome);
    Say(message);
  }

 private:
  int fd_;
  FrameReader reader_;
};

// Takes all batches up to PushEnd, and acknowledges each.
inline std::vector<uint64_t> TakeAll(PlayedUplink& uplink, uint64_t epoch) {
  std::vector<uint64_t> seqs;
  while (const auto message = uplink.Next()) {
    if (!message->has_batch()) break;
    v1::SealedBatch batch;
    static_cast<void>(ParseSealed(message->batch(), batch));
    seqs.push_back(batch.seq());
    uplink.Ack(epoch, batch.seq());
  }
  return seqs;
}

}  // namespace candor::testing
