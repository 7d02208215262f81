// From time stamps to the stages of a boot. Pure functions, any thread; microseconds throughout.
//
// Stages as `systemd-analyze time` counts them:
//   firmware   firmware stamp - loader stamp (both count back from the kernel's start)
//   loader     loader stamp
//   kernel     kernel's start to the initrd's, or to userspace's where there is no initrd
//   initrd     initrd's start to userspace's
//   userspace  userspace's start to "startup finished"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace candor::v1 {
class Boot;
}

namespace candor {

// systemd's own stamps of one unit on the monotonic clock; 0: never.
struct UnitStamps {
  std::string name;
  uint64_t inactive_exit_us = 0;   // began to activate
  uint64_t active_enter_us = 0;    // was active
  uint64_t inactive_enter_us = 0;  // ended
};

struct ManagerStamps {
  uint64_t firmware_us = 0;
  uint64_t loader_us = 0;
  uint64_t initrd_us = 0;
  uint64_t userspace_us = 0;
  uint64_t finish_us = 0;
  // As the manager names it; "" on real hardware.
  std::string virtualization;
  // The login screen, where there is one, then the default target.
  std::optional<UnitStamps> display_manager;
  std::optional<UnitStamps> default_target;
  // Units whose activation may have been slow, among them those of encrypted disks and of the
  // agents that ask for their passphrases.
  std::vector<UnitStamps> units;
};

constexpr int kSlowestUnits = 5;
// What a boot lasts until where neither a login screen nor a default target tells; else a unit.
constexpr std::string_view kStartupFinished = "startup finished";

// True where the machine is a container, so that the kernel's start is not this boot's.
bool IsContainer(std::string_view virtualization);

// What the stamps say. `finish_us` must not be 0.
v1::Boot BootFromStamps(const ManagerStamps& stamps);

// How long a unit took to activate: until it was active, or ended where it never was; 0 unknown.
uint64_t ActivatingUs(const UnitStamps& unit);

// Time in which start-up waited for a disk passphrase; absent where none was asked. The union of
// the activations of systemd-cryptsetup@ units, each from the moment an agent began to ask. Where
// no agent is known to have asked, an activation counts only beyond what unlocking itself may take.
std::optional<uint64_t> PassphraseUs(const ManagerStamps& stamps);

// Did this boot install updates (offline updates of systemd, PackageKit, fwupd)?
bool InstalledUpdates(const std::vector<UnitStamps>& units);

// Without systemd: process 1's start after the kernel's, from the text of /proc/1/stat (field 22,
// in ticks). Absent `kernel_us` in a container, where process 1 starts long after the kernel.
absl::StatusOr<uint64_t> ProcessStartUs(std::string_view stat, int64_t ticks_per_s);
v1::Boot BootFromKernel(uint64_t process_1_start_us);

}  // namespace candor
