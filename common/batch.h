// Sealing and opening of batches: the bytes that spool, wire and log share.
//
// A batch's hash is the SHA-256 of its sealed bytes. Its *chain hash*, which the next batch carries
// as predecessor, is the same, except for a tombstone, where it is the chain hash of the last batch
// it stands for. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/registry.h"

namespace candor::v1 {
class Contents;
class SealedBatch;
class Tombstone;
}  // namespace candor::v1

namespace candor {

struct BatchLimits {
  static constexpr size_t kSealedBytesMax = 1 << 20;    // 1 MiB on the wire and on disk
  static constexpr size_t kContentsBytesMax = 8 << 20;  // 8 MiB inflated
  static constexpr size_t kEventsMax = 10'000;
  static constexpr size_t kEventBytesMax = 64 << 10;
};

// Where a batch stands and who it follows.
struct BatchPlace {
  uint64_t epoch = 0;
  uint64_t seq = 0;
  std::string predecessor;  // chain hash of seq - 1, empty at 1
};

std::string SealContents(const BatchPlace& place, BatchClass batch_class, int64_t sealed_wall_ms,
                         const v1::Contents& contents);
std::string SealTombstone(const BatchPlace& place, BatchClass batch_class, int64_t sealed_wall_ms,
                          const v1::Tombstone& tombstone);

// Parses and checks a batch's frame against BatchLimits: epoch and seq present, predecessor absent
// or 32 bytes, a content, sizes. The content may be of a kind that only a newer version knows: then
// content_case() is CONTENT_NOT_SET, the batch takes one place and its chain hash is its hash.
// Reuses `batch`'s memory.
absl::Status ParseSealed(std::string_view sealed, v1::SealedBatch& batch);

// Inflates and parses the contents of a parsed batch, checks limits and columns. A tombstone and a
// content of an unknown kind give FailedPrecondition.
absl::Status ParseContents(const v1::SealedBatch& batch, v1::Contents& contents);

// Last place a batch takes: its seq, or a tombstone's seq_last.
uint64_t LastSeq(const v1::SealedBatch& batch);

// `sealed` is the bytes that `batch` was parsed from.
std::string ChainHash(std::string_view sealed, const v1::SealedBatch& batch);

}  // namespace candor
