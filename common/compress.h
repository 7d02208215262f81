// zstd with a ceiling on what comes out. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

// One zstd frame, level 1 (higher levels gain nothing on packed columns).
std::string Compress(std::string_view bytes);

// The content of one zstd frame. InvalidArgument when damaged, or when it would exceed `size_max`.
absl::StatusOr<std::string> Decompress(std::string_view frame, size_t size_max);

}  // namespace candor
