// One push of a simulated laptop: a stream to the collector's fleet listener, from Hello to the
// last acknowledgement. It reads on a thread of its own, so that neither side ever waits for the
// other.
//
// Used by one thread. All waits end: a collector that says nothing for kSilenceMsMax is given up.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/tls/credential.h"

namespace candor::loadgen {

// What the collector said so far.
struct PushState {
  bool welcomed = false;
  uint64_t next_seq = 0;  // of the latest Welcome
  uint64_t welcomes = 0;
  uint64_t acked = 0;        // highest place known to be on the collector's disk
  uint64_t refused = 0;      // batches refused for good
  std::string refusal;       // reason of the first
  uint32_t throttle_ms = 0;  // not 0: come back after so long
  bool ended = false;        // the collector ended its side
};

class Push {
 public:
  struct Begin {
    uint64_t epoch = 0;
    uint64_t first_held = 1;
    uint64_t last_sealed = 0;
    int64_t wall_ms = 0;
    int64_t boottime_ms = 0;
  };

  // Opens the stream, says hello and waits for the welcome (or the end).
  Push(const Credential& credential, const Begin& begin);
  // Cancels what was not finished.
  ~Push();

  // Queues one sealed batch; false when the stream is broken.
  bool Send(const std::string& sealed);
  PushState state() const;
  // Waits until `wanted` is acknowledged, a new Welcome, a Throttle or the end came.
  PushState WaitFor(uint64_t wanted, uint64_t welcomes_seen);
  // Ends this side and waits for the collector's end; its status.
  absl::Status Finish();
  // Drops the connection in the middle of things.
  void Break();

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace candor::loadgen
