// What ingest counts since the process started; read by /metrics. Any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace candor {

struct IngestStats {
  std::atomic<uint64_t> batches{0};  // stored, tombstones included
  std::atomic<uint64_t> tombstones{0};
  std::atomic<uint64_t> bytes{0};  // sealed bytes stored
  std::atomic<uint64_t> duplicates{0};
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> quarantined{0};  // batches
  std::atomic<uint64_t> forks{0};        // epochs found to have forked
  std::atomic<uint64_t> gaps{0};         // gap records
  std::atomic<uint64_t> lost_places{0};  // places in them
  std::atomic<uint64_t> ahead{0};
  std::atomic<uint64_t> commit_failures{0};
  std::atomic<uint64_t> item_failures{0};  // batches and hellos that could not be stored
  std::atomic<uint64_t> streams{0};        // accepted
  std::atomic<int64_t> streams_open{0};
  std::atomic<uint64_t> streams_denied{0};
  std::atomic<uint64_t> streams_throttled{0};
  std::atomic<uint64_t> streams_superseded{0};
  std::atomic<uint64_t> pending_bytes{0};  // received, not yet committed
};

}  // namespace candor
