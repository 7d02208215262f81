// Text from outside made fit for a message: one line, printable, whole UTF-8 characters, bounded.
// Pure function, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace candor {

// Trimmed; control characters become blanks, bytes that are no UTF-8 become '?'; cut at `bytes_max`
// between characters.
std::string CleanText(std::string_view raw, size_t bytes_max);

}  // namespace candor
