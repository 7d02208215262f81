// Text from outside (process names, labels) that goes into messages: protobuf refuses what is not
// UTF-8, so a single odd name must not spoil the batch it travels in. Pure function, any thread.
#pragma once

#include <string>
#include <string_view>

namespace candor {

// At most `bytes_max` bytes of `text`, cut between characters; bytes that are not UTF-8 become '?'.
std::string CleanText(std::string_view text, size_t bytes_max);

}  // namespace candor
