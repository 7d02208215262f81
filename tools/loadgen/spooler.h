// Cuts a laptop's days into sealed batches, as its spool would: in order, chained, without holes.
// Between two calls it holds no more than one day's sealed batches. One thread.
#pragma once

#include <cstdint>
#include <deque>
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
};

class Spooler {
 public:
  // `plan` must outlive the object.
  Spooler(const FleetPlan& plan, uint32_t index);

  // Called with every day before it is cut; for the truth.
  void OnDay(std::function<void(const LaptopDay&)> observer) { observer_ = std::move(observer); }

  // Takes the next batch; false after the last.
  bool Next(SimulatedBatch& batch);
  // All that follows is sent after everybody else's (DeviceProfile::late_from).
  bool OnlyLateLeft() const;

  const DeviceProfile& profile() const { return profile_; }
  uint64_t epoch() const { return epoch_; }

 private:
  bool SealNextDay();
  void SealPart(LaptopDay& day, size_t from, size_t to, size_t& event_at);
  int64_t SendTime(int day, int64_t sealed_wall_ms) const;

  const FleetPlan& plan_;
  DeviceProfile profile_;
  uint64_t epoch_;
  std::function<void(const LaptopDay&)> observer_;
  LaptopState state_;
  std::deque<SimulatedBatch> sealed_;
  int next_day_ = 0;
  uint64_t seq_ = 0;
  std::string chain_;
};

}  // namespace candor::loadgen
