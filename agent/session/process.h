// The process behind a window. What is read here goes to the daemon on this laptop and no further.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/session/window_watch.h"

namespace candor {

struct SessionProcess {
  WindowProgram program;
  // When it started, on the clock that also runs in sleep (CLOCK_BOOTTIME); to 10 ms.
  int64_t started_us = 0;
};

// Below `proc` ("/proc"); nothing where the process is gone or another person's.
std::optional<SessionProcess> ReadProcess(const std::string& proc, pid_t pid);

// Field 22 of /proc/PID/stat in microseconds; names may hold blanks and brackets.
std::optional<int64_t> ParseStartUs(std::string_view stat, int64_t ticks_per_s);

// The last line's path of /proc/PID/cgroup, or that of systemd's own hierarchy.
std::string ParseCgroup(std::string_view cgroups);

}  // namespace candor
