// What the journal and the kernel's crash records tell about the boot before this one.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "agent/samplers/boot/ending.h"
#include "agent/samplers/sampler.h"

namespace candor {

struct PreviousBoot {
  std::string boot_id;  // 16 raw bytes
  Ending ending = Ending::kClean;
  bool installed_updates = false;
  // The last thing it wrote.
  int64_t last_realtime_us = 0;
  int64_t last_monotonic_us = 0;
};

// `boot_id` is the present boot's, raw. `journal_folder` as in LinuxJournal::Open. NotFound where
// the journal holds no boot before this one; other errors as LinuxJournal's. Reads at most a few
// hundred entries; blocks for their disk reads.
absl::StatusOr<PreviousBoot> ReadPreviousBoot(const LinuxRoots& roots, const std::string& boot_id,
                                              const std::string& journal_folder);

}  // namespace candor
