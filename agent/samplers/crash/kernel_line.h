// The few lines of the kernel's log that tell of failures. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace candor {

struct KernelLine {
  enum class Kind { kFault, kOutOfMemory, kGroupOutOfMemory, kGpuReset, kHungTask };
  Kind kind = Kind::kFault;
  // The task's own name, at most 15 bytes (longer names are cut by the kernel).
  std::string task;
  uint32_t pid = 0;     // of the thread
  uint32_t signal = 0;  // kFault only: what the fault ends in
  std::string module;   // kFault only: the file it happened in, without folder
};

// Nothing for every other line. kOutOfMemory is the whole system's shortage, kGroupOutOfMemory that
// of a group with a limit of its own.
std::optional<KernelLine> ParseKernelLine(std::string_view message);

}  // namespace candor
