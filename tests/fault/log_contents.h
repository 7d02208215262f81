// What a stopped collector's log holds, read straight from its database.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace candor::testing {

struct LogContents {
  uint64_t batches = 0;
  uint64_t refused = 0;
  uint64_t gaps = 0;
  uint64_t tombstones = 0;
  uint64_t quarantined = 0;
  std::map<std::string, uint64_t> notices;  // text of agent notices with a code to how often
};

// Agent notices with code `code`.
absl::StatusOr<LogContents> ReadLog(const std::string& data_folder, const std::string& code);

}  // namespace candor::testing
