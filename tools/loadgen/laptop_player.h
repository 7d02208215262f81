// One laptop on the wire: takes batches from its spooler, holds them until they are acknowledged,
// and pushes them over as many streams as it takes. Blocking; one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/tls/credential.h"
#include "tools/loadgen/push.h"
#include "tools/loadgen/spooler.h"
#include "tools/loadgen/truth.h"

namespace candor::loadgen {

struct Manners {
  bool twice = false;             // every batch twice, some before their turn
  bool reconnect = false;         // breaks the connection every few batches
  int64_t retry_for_ms = 60'000;  // how long a collector may be gone
};

// What the fleet did on the wire; shared by all laptops.
struct Traffic {
  std::atomic<uint64_t> batches = 0;  // sent for the first time
  std::atomic<uint64_t> bytes = 0;
  std::atomic<uint64_t> sent_again = 0;  // duplicates and batches before their turn
  std::atomic<uint64_t> streams = 0;
  std::atomic<uint64_t> broken = 0;  // streams that ended before all was acknowledged
  std::atomic<uint64_t> throttled = 0;
  std::atomic<bool> stop = false;
};

class LaptopPlayer {
 public:
  // Everything given by reference must outlive the object. `figures` may be null.
  LaptopPlayer(const FleetPlan& plan, uint32_t index, Credential credential, Manners manners,
               const Clock& clock, Traffic& traffic, Figures* figures);

  // What a call to Play may send: batches whose time has come, and not the late ones yet.
  struct Limit {
    int64_t send_until_ms = std::numeric_limits<int64_t>::max();
    bool before_late = false;
  };
  // Sends all the limit allows and waits until it is acknowledged.
  absl::Status Play(const Limit& limit);
  // When the next batch is due; nothing when all is sent.
  std::optional<int64_t> NextSendMs();
  // Sends all batches once more over one stream, from the first.
  absl::Status Repeat();

  const DeviceProfile& profile() const { return spooler_->profile(); }

 private:
  absl::Status PushOnce(const Limit& limit);
  absl::Status SendAll(Push& push, const Limit& limit);
  bool LookAhead();
  bool Hold(const Limit& limit);
  bool SendMischief(Push& push, size_t at, const Limit& limit);
  bool BreakAfterProgress(Push& push);
  void Forget(uint64_t through);
  Push::Begin Begin(uint64_t first_held) const;
  absl::Status Wait(int64_t ms) const;

  const FleetPlan& plan_;
  Credential credential_;
  Manners manners_;
  const Clock& clock_;
  Traffic& traffic_;
  Figures* figures_;
  std::unique_ptr<Spooler> spooler_;
  SeededRandom jitter_;

  std::optional<SimulatedBatch> ahead_;  // taken from the spooler, not yet due
  std::deque<SimulatedBatch> held_;      // sealed and not yet acknowledged
  size_t held_bytes_ = 0;
  uint64_t last_sealed_ = 0;
  uint64_t acked_ = 0;
  uint32_t throttle_ms_ = 0;
  uint32_t sent_on_stream_ = 0;
  bool broke_on_purpose_ = false;
};

}  // namespace candor::loadgen
