// Cuts a laptop's days into sealed batches, as its spool would: in order, chained, without holes.
// Holds no more than one day's measurements and one batch. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tools/loadgen/fleet.h"
#include "tools/loadgen/laptop_day.h"

namespace candor::loadgen {

struct SimulatedBatch {
  uint64_t seq = 0;
  std::string sealed;
  int64_t sealed_wall_ms = 0;
  // When the laptop has a network to send it: its sealing, or its first day back.
  int64_t send_wall_ms = 0;
  // Sent after everybody else's (DeviceProfile::late_from).
  bool late = false;
};

class Spooler {
 public:
  // `plan` must outlive the object.
  Spooler(const FleetPlan& plan, uint32_t index);

  // Called with every day before it is cut; for the truth.
  void OnDay(std::function<void(const LaptopDay&)> observer) { observer_ = std::move(observer); }

  // The next batch; false after the last.
  bool Next(SimulatedBatch& batch);

  const DeviceProfile& profile() const { return profile_; }
  uint64_t epoch() const { return epoch_; }

 private:
  bool NextDay();
  int64_t SendTime(int64_t sealed_wall_ms) const;

  const FleetPlan& plan_;
  DeviceProfile profile_;
  uint64_t epoch_;
  std::function<void(const LaptopDay&)> observer_;
  LaptopState state_;
  LaptopDay day_;
  int next_day_ = 0;
  size_t minute_at_ = 0;
  size_t event_at_ = 0;
  uint64_t seq_ = 0;
  std::string chain_;
};

}  // namespace candor::loadgen
