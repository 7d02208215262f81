// One Ingest.Stream from the laptop's side: hello, then the daemon's batches, as fast as the
// collector acknowledges them; every answer goes back to the daemon as it comes.
//
// Two threads while it runs: the caller's sends, one of its own receives. At most kInFlightBytesMax
// are sent and not yet acknowledged. Batches that the collector said it has are left out.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "agent/uplink/daemon_link.h"
#include "candor/v1/ingest.pb.h"
#include "common/clock.h"

namespace grpc {
class Channel;
}

namespace candor {

constexpr size_t kInFlightBytesMax = 4 << 20;

class PushStream {
 public:
  // Ends by itself at `deadline_ms` of the monotonic clock. `link` and `clock` must outlive it.
  PushStream(std::shared_ptr<grpc::Channel> channel, DaemonLink& link, const Clock& clock,
             int64_t deadline_ms);
  ~PushStream();

  // The whole push: returns when the collector has ended the stream, with its status; Cancelled
  // when the daemon went away.
  absl::Status Run(v1::Hello hello);

  // Whether the collector asked to come back later.
  bool throttled() const { return throttled_; }

 private:
  struct Call;
  void ReceiveAll();
  void Take(v1::CollectorMessage& message);
  // False when the stream ended first.
  bool AwaitWelcome();
  bool AwaitRoom(size_t bytes);
  absl::Status SendBatches();
  bool SendBatch(std::string& sealed);

  DaemonLink& link_;
  const Clock& clock_;
  const int64_t deadline_ms_;
  std::unique_ptr<Call> call_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<uint64_t> next_seq_;  // of the last Welcome
  bool ended_ = false;                // nothing more will be received
  bool throttled_ = false;
  struct InFlight {
    uint64_t last_seq;
    size_t bytes;
  };
  std::deque<InFlight> in_flight_;
  size_t in_flight_bytes_ = 0;
};

}  // namespace candor
