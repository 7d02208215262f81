// Boot: how long people wait for their laptop in the morning. One v1::Boot event for each boot,
// told when the boot is finished, and whether the shutdown before it was clean.
//
// Sources
//   systemd's manager over the system bus: when firmware, loader, kernel, initrd and userspace
//   began, when start-up was finished, what each unit took. Firmware and loader times exist only on
//   EFI machines. In a container there is no kernel stage: durations are differences, the host's
//   uptime never enters. Where there is no systemd: /proc/uptime and the start of process 1
//   (stages.h); what cannot be known then is absent.
//   the journal of the boot before: whether it reached its end in order (ending.h).
//
// Units: microseconds in the event. `total` runs from the kernel's start (in a container:
// userspace's) to the login screen, or to the default target where there is none; it holds the wait
// for a disk passphrase, which is told apart in `passphrase_us` (a passphrase that an initramfs
// without systemd asks for cannot be seen and stays in).
//
// Each boot is told once: its id is saved as the cursor "boot" with the event. An unclean shutdown
// or a panic is told as v1::SystemFailure of the boot it ended, once, with the boot event that
// found it; a laptop that died of an empty battery did not fail.
#pragma once

#include <memory>
#include <string>

#include "agent/samplers/sampler.h"

namespace candor {

// The context must outlive the sampler.
std::unique_ptr<Sampler> MakeBootSampler(const SamplerContext& context);

}  // namespace candor
