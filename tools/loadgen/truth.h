// What the simulated fleet really did: counts, sums and exact quantiles for the fleet, for each
// group of each dimension and for each laptop, to hold the collector's answers against.
//
// Memory is bounded by groups × the grid of kTruthMetrics, not by days. DeviceFigures is filled by
// one thread; Truth::Add may be called from any.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tools/loadgen/fleet.h"
#include "tools/loadgen/laptop_day.h"

namespace candor::loadgen {

// Values on a grid, counted: quantiles of it are exact.
class GridCounts {
 public:
  void Add(int64_t step, uint32_t times = 1);
  void Merge(const GridCounts& other);
  uint64_t count() const { return count_; }
  // The grid step of nearest rank ceil(q * count); 0 when empty.
  int64_t Quantile(double q) const;

 private:
  std::vector<uint32_t> counts_;
  uint64_t count_ = 0;
};

struct Figures {
  uint64_t devices = 0;
  uint64_t device_days = 0;
  uint64_t minutes = 0;
  uint64_t active_minutes = 0;
  uint64_t batches = 0;
  std::map<uint32_t, uint64_t> windows;     // by metric
  std::map<uint32_t, int64_t> sums;         // counters, all minutes
  std::map<uint32_t, int64_t> active_sums;  // counters, active minutes
  std::map<uint32_t, uint64_t> events;      // by kind
  // (program, version) to crashes, repeats included.
  std::map<std::pair<std::string, std::string>, uint64_t> crashes;
  uint64_t owned_crashes = 0;
  std::vector<uint64_t> boots_us;  // scored boots: without passphrase, without updates
  std::array<GridCounts, kTruthMetrics.size()> values;  // active minutes

  void AddDay(const LaptopDay& day);
  void Merge(const Figures& other);
};

class Truth {
 public:
  explicit Truth(const FleetPlan& plan) : plan_(plan) {}

  // Called once for each laptop.
  void Add(const DeviceProfile& profile, const Figures& figures);

  // The document of --truth.
  std::string Json() const;

  const Figures& fleet() const { return fleet_; }

 private:
  FleetPlan plan_;
  mutable std::mutex mutex_;
  Figures fleet_;
  // dimension to value to figures
  std::map<std::string, std::map<std::string, Figures>> groups_;
  std::map<std::string, std::string> devices_;  // host to its JSON, so that no grid is kept
};

}  // namespace candor::loadgen
