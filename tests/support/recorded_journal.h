// Journal files made from recorded entries, in the journal's own format, by
// systemd-journal-remote.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace candor::testing {

struct RecordedEntry {
  std::string boot_hex;  // 32 hexadecimal digits
  int64_t realtime_us = 0;
  int64_t monotonic_us = 0;
  std::vector<std::pair<std::string, std::string>> fields;
};

// Appends `entries` to the journal file `path` (NAME.journal), made where it does not exist. Throws
// std::runtime_error when systemd-journal-remote is missing or fails.
void AppendJournal(const std::string& path, const std::vector<RecordedEntry>& entries);

}  // namespace candor::testing
