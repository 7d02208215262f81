// What a stopped collector's log holds, read straight from its database.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/store/schema.h"

namespace candor::v1 {
class Contents;
}

namespace candor::testing {

struct LogRow {
  std::string host;
  uint64_t epoch = 0;
  uint64_t seq = 0;
  uint64_t seq_last = 0;
  LogKind kind = LogKind::kBatch;
  std::string hash;    // raw
  std::string sealed;  // empty where the log keeps no bytes
};

struct Log {
  std::vector<LogRow> rows;  // in order of arrival
  uint64_t quarantined = 0;

  uint64_t Count(LogKind kind) const;
};
absl::StatusOr<Log> ReadLog(const std::string& data_folder);

// Contents of a batch that the log keeps.
absl::StatusOr<v1::Contents> ContentsOf(const LogRow& row);

// How often each text of agent notices with code `code` is in the log.
absl::StatusOr<std::map<std::string, uint64_t>> Notices(const Log& log, const std::string& code);

// Each measurement of `contents` as bytes that stay the same whatever batch it is cut into: one
// for each event, one for each minute with all its windows.
absl::StatusOr<std::vector<std::string>> ItemsOf(const v1::Contents& contents);

}  // namespace candor::testing
