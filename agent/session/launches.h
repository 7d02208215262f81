// From windows that appear to programs that were launched: the time from a process's start to the
// first of its windows. A process that shows its first window long after its start (a tray program
// that was opened) was not waited for and is left out. Pure; bounded. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "agent/session/process.h"

namespace candor {

class Launches {
 public:
  static constexpr int64_t kLaunchUsMax = 120'000'000;

  struct Launch {
    WindowProgram program;
    int64_t took_us = 0;
  };
  struct Owner {
    pid_t pid = 0;
    SessionProcess process;
  };

  // The windows there are now, at `now_us` of CLOCK_BOOTTIME. `owner_of` is asked about new ones
  // only. The first call sets the ground: what was there before is no launch.
  std::vector<Launch> Update(const std::vector<uint32_t>& windows, int64_t now_us,
                             const std::function<std::optional<Owner>(uint32_t)>& owner_of);

 private:
  using ProcessKey = std::pair<pid_t, int64_t>;  // a pid alone is used again

  bool first_ = true;
  std::set<uint32_t> windows_;
  // Processes that showed a window, for as long as they could still count as launched.
  std::set<ProcessKey> seen_;
};

}  // namespace candor
