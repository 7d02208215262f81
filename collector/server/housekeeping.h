// What the collector does by itself as days go by: seals days, prunes the log, device facts and
// quarantine as retention says. One thread, works through the committer in small pieces, so that
// ingest never waits for it; the first round comes soon after the start, then every ten minutes.
//
// The writer and the clock must outlive it. Errors are logged and tried again with the next round.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "collector/fold/seal.h"
#include "collector/store/writer.h"
#include "common/clock.h"

namespace candor {

struct HousekeepingDone {
  int64_t sealed_through_day = 0;
  int64_t log_rows = 0;
  int64_t device_days = 0;
  int64_t quarantined = 0;
};

class Housekeeping {
 public:
  static constexpr int64_t kFirstRoundMs = 5'000;
  static constexpr int64_t kRoundMs = 600'000;

  Housekeeping(Writer& writer, const Clock& clock, const Retention& retention);
  ~Housekeeping();
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;

  void Start();
  // One whole round, on the caller's thread.
  absl::StatusOr<HousekeepingDone> Round();
  // Takes effect with the next round.
  void SetRetention(const Retention& retention);
  void Stop();

 private:
  void Loop();
  bool Pause(int64_t ms);

  Writer& writer_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Retention retention_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace candor
