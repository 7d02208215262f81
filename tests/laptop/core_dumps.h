// Core dumps of real crashes. The kernel has one place for the whole machine to say where they go
// (kernel.core_pattern), and starts what is named there among the machine's own processes and in
// its own root. Whoever sets it holds a lock meanwhile, other tests wait, and it is put back.
#pragma once

#include <string>
#include <string_view>

#include "common/descriptor.h"
#include "tests/laptop/container.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

// While it lives, the shell script `commands` is run for each core dump of this machine, with the
// arguments that systemd-coredump expects. Throws std::runtime_error where that cannot be set.
class CoreDumpHelper {
 public:
  explicit CoreDumpHelper(std::string_view commands);
  ~CoreDumpHelper();
  CoreDumpHelper(const CoreDumpHelper&) = delete;
  CoreDumpHelper& operator=(const CoreDumpHelper&) = delete;

 private:
  Descriptor lock_;
  std::string before_;
  TempFolder folder_;
};

// While it lives, a program that crashes inside of `container` is handed to systemd-coredump in
// there, as the kernel does on a real laptop.
class CrashForwarding {
 public:
  explicit CrashForwarding(const Container& container);

 private:
  CoreDumpHelper helper_;
};

// Empty where the kernel finds a helper that a test made: tried once with a real crash. In a root
// below the machine's own it does not.
std::string LacksForCoreDumps();

}  // namespace candor::testing
