// What happens on a simulated laptop in a day: boots, sign-ins, crashes, hangs, failures, changes
// of what it consists of. Appends events to the day in order of time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/loadgen/draw.h"
#include "tools/loadgen/laptop_day.h"

namespace candor::loadgen {

class Happenings {
 public:
  // All references must outlive the object.
  Happenings(const DeviceProfile& profile, int day, int utc_offset_min, Draw& draw,
             LaptopState& state, LaptopDay& out);

  // The machine is switched on or opened so that work begins at `wall_ms`.
  void Morning(int64_t wall_ms, bool monday);
  void LidOpened(int64_t wall_ms);
  // What happens in the active minute that begins at `wall_ms`; milliseconds of it in which the
  // foreground window did not answer.
  int64_t DuringMinute(int64_t wall_ms);
  void Evening();

 private:
  v1::Event& Add(int64_t wall_ms);
  void BootMachine(int64_t wall_ms);
  void TellInventory(int64_t wall_ms);
  void TellSoftware(int64_t wall_ms);
  void TellUnmeasured(int64_t wall_ms);
  void CrashOf(std::string_view program, std::string_view version, int64_t wall_ms);
  void Crashes(int64_t wall_ms);
  void Failures(int64_t wall_ms);
  std::string Kernel() const;

  const DeviceProfile& profile_;
  int day_;
  int utc_offset_min_;
  Draw& draw_;
  LaptopState& state_;
  LaptopDay& out_;
};

}  // namespace candor::loadgen
