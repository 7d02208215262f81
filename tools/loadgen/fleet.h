// The simulated fleet: which laptops there are and what each of them is like. A profile is a pure
// function of plan and index, so that nothing about the fleet has to be kept in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace candor::loadgen {

struct FleetPlan {
  uint64_t seed = 1;
  uint32_t devices = 200;
  uint32_t days = 28;
  int64_t end_day = 0;          // last local day played, days since 1970
  uint32_t batch_minutes = 60;  // measured minutes a batch holds

  int64_t first_day() const { return end_day - static_cast<int64_t>(days) + 1; }
};

// Whole days, counted from the plan's first; both ends included. Empty where last < first.
struct DaySpan {
  int first = 0;
  int last = -1;
  bool Holds(int day) const { return day >= first && day <= last; }
};

struct DeviceProfile {
  uint32_t index = 0;
  std::string host;  // sim-00001
  // Indices into the catalogue.
  uint32_t department = 0;
  uint32_t site = 0;
  uint32_t model = 0;
  uint32_t system = 0;

  bool troubled_version = false;  // runs the version that crashes
  bool windows_answer = true;     // the desktop lets windows be asked for replies
  bool session_seen = true;       // logind tells who is active
  bool sleeps_overnight = false;  // boots on Mondays only
  int start_min = 480;            // local minute of the day work begins
  int work_min = 500;             // from first to last minute of a working day
  double pace = 1.0;              // spread of this laptop around its model
  double battery_pct = 90;
  double disk_free_gib = 100;
  int kernel_update_day = -1;  // day the kernel changes; -1: never
  DaySpan travel;              // days with another UTC offset
  int travel_offset_min = 0;
  DaySpan without_network;  // measures on, sends when it is back
  int late_from = -1;       // days from here on are sent after everybody else; -1: none
};

DeviceProfile MakeProfile(const FleetPlan& plan, uint32_t index);

// What is given at enrolment.
std::vector<std::pair<std::string, std::string>> ProfileLabels(const DeviceProfile& profile);

// UTC offset of a day, counted from the plan's first.
int UtcOffsetMin(const DeviceProfile& profile, int day);

// Epoch of the spool this plan's batches come from. Another last day is another epoch, so that one
// fleet can be played several times over different days.
uint64_t SpoolEpoch(const FleetPlan& plan, uint32_t index);

}  // namespace candor::loadgen
