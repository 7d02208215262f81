// Reads apport's log behind a saved position, across its rotation (to NAME.1). A position is
// "INODE:OFFSET". Polled; nothing stays open. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/crash/apport_log.h"

namespace candor {

class LinuxApportLog {
 public:
  // Bytes read at a time, and the longest line that is looked at as a whole.
  static constexpr size_t kReadBytesMax = 256 << 10;
  static constexpr size_t kReportsMax = 32;

  struct Entry {
    ApportReport report;
    std::string position;  // behind it
  };

  // `position` empty: what is in the log now was not watched; reading begins at its end.
  LinuxApportLog(std::string path, std::string position);

  // Further reports, in order, at most kReportsMax. None where there is no log yet.
  // PermissionDenied where it may not be read.
  absl::StatusOr<std::vector<Entry>> Read();

  // Behind all that was read to its end: a report of which only the beginning is there is read
  // again.
  const std::string& position() const { return position_; }

 private:
  // True when the file holds nothing more.
  absl::StatusOr<bool> ReadOn(const std::string& path, std::vector<Entry>& entries);
  void SetPosition(uint64_t inode, uint64_t offset);

  const std::string path_;
  ApportLines lines_;
  bool begun_ = false;  // inode_ and offset_ say where to read on
  uint64_t inode_ = 0;  // 0: no log was there
  uint64_t offset_ = 0;
  std::string position_;
};

}  // namespace candor
