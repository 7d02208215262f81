// What an agent's spool holds, read straight from its database: of an agent that was killed, or of
// one that runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/spool/schema.h"

namespace candor::testing {

struct SpoolContents {
  struct Batch {
    uint64_t epoch = 0;
    uint64_t seq = 0;
    bool tombstone = false;
    BatchState state = BatchState::kSealed;
    std::string refused;
    std::string sealed;
  };
  uint64_t epoch = 0;
  uint64_t last_sealed = 0;
  std::vector<Batch> batches;        // in order of sealing, acknowledged ones included
  std::vector<std::string> pending;  // serialized candor.v1.Contents
  std::map<std::string, std::string> cursors;

  uint64_t Held() const;  // batches that are not acknowledged
};

// Of an agent that is gone: database and write-ahead log are copied first and the copy is opened,
// so that the next agent finds what the kill left.
absl::StatusOr<SpoolContents> ReadKilledSpool(const std::string& path);
// Of a running agent, which keeps everybody else out of its database: it stands still while the
// files are copied.
absl::StatusOr<SpoolContents> ReadLiveSpool(pid_t agent, const std::string& path);

}  // namespace candor::testing
