// The kernel's random id of the present boot.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace candor {

constexpr size_t kBootIdBytes = 16;

// 16 raw bytes from `proc`/sys/kernel/random/boot_id.
absl::StatusOr<std::string> ReadBootId(const std::string& proc = "/proc");

}  // namespace candor
