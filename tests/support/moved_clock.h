// The clocks of a program under test, moved while it runs: somebody sets the wall clock, or the
// machine sleeps. A small library is loaded into the program in front of the C library; other
// programs see the true clocks.
//
// libfaketime moves the wall clock alone or all clocks alike, but a sleep moves the clock since
// boot and not the one that stands still meanwhile. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/support/temp_folder.h"

namespace candor::testing {

// How far the clocks are from the true ones. Shared with the library, by a mapped file.
struct ClockOffsets {
  int64_t wall_ms = 0;
  int64_t boottime_ms = 0;
};

class MovedClock {
 public:
  // Throws std::runtime_error where the file cannot be shared.
  MovedClock();
  ~MovedClock();
  MovedClock(const MovedClock&) = delete;
  MovedClock& operator=(const MovedClock&) = delete;

  // For the program and all it starts.
  std::map<std::string, std::string> Environment() const;
  // Somebody sets the wall clock, by so much.
  void Step(int64_t ms);
  // The machine slept so long, just now.
  void Sleep(int64_t ms);

 private:
  TempFolder folder_;
  ClockOffsets* offsets_ = nullptr;
};

}  // namespace candor::testing
