// One journal entry as the samplers' logic sees it, free of any platform's library, so that the
// logic is tested on recorded entries. A value type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace candor {

struct JournalEntry {
  std::string cursor;        // the journal's own name of this position
  std::string boot_id;       // 16 raw bytes
  int64_t realtime_us = 0;   // wall clock when the journal took it
  int64_t monotonic_us = 0;  // since that boot
  // Only the fields that the reader asked for, and only those present.
  std::vector<std::pair<std::string, std::string>> fields;

  // Empty when absent.
  std::string_view Field(std::string_view name) const {
    for (const auto& [key, value] : fields) {
      if (key == name) return value;
    }
    return {};
  }
};

}  // namespace candor
