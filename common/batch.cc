#include "common/batch.h"

#include <string>

#include "candor/v1/envelope.pb.h"
#include "common/columns.h"
#include "common/compress.h"
#include "common/hash.h"
#include "common/status.h"

namespace candor {
namespace {

void FillPlace(const BatchPlace& place, BatchClass batch_class, int64_t sealed_wall_ms,
               v1::SealedBatch& batch) {
  batch.set_epoch(place.epoch);
  batch.set_seq(place.seq);
  batch.set_predecessor(place.predecessor);
  batch.set_batch_class(static_cast<uint32_t>(batch_class));
  batch.set_sealed_wall_ms(sealed_wall_ms);
}

absl::Status CheckTombstone(const v1::SealedBatch& batch) {
  const v1::Tombstone& tombstone = batch.tombstone();
  if (tombstone.seq_last() < batch.seq()) {
    return absl::InvalidArgumentError("tombstone ends before it begins");
  }
  if (tombstone.last_hash().size() != kSha256Bytes) {
    return absl::InvalidArgumentError("tombstone without the hash of its last batch");
  }
  return absl::OkStatus();
}

}  // namespace

std::string SealContents(const BatchPlace& place, BatchClass batch_class, int64_t sealed_wall_ms,
                         const v1::Contents& contents) {
  const std::string raw = contents.SerializeAsString();
  v1::SealedBatch batch;
  FillPlace(place, batch_class, sealed_wall_ms, batch);
  batch.set_contents_zstd(Compress(raw));
  batch.set_contents_size(static_cast<uint32_t>(raw.size()));
  return batch.SerializeAsString();
}

std::string SealTombstone(const BatchPlace& place, BatchClass batch_class, int64_t sealed_wall_ms,
                          const v1::Tombstone& tombstone) {
  v1::SealedBatch batch;
  FillPlace(place, batch_class, sealed_wall_ms, batch);
  *batch.mutable_tombstone() = tombstone;
  return batch.SerializeAsString();
}

absl::Status ParseSealed(std::string_view sealed, v1::SealedBatch& batch) {
  if (sealed.size() > BatchLimits::kSealedBytesMax) {
    return absl::OutOfRangeError("batch of " + std::to_string(sealed.size()) + " bytes, limit " +
                                 std::to_string(BatchLimits::kSealedBytesMax));
  }
  if (!batch.ParseFromArray(sealed.data(), static_cast<int>(sealed.size()))) {
    return absl::InvalidArgumentError("batch is not a SealedBatch message");
  }
  if (batch.epoch() == 0) return absl::InvalidArgumentError("batch without an epoch");
  if (batch.seq() == 0) return absl::InvalidArgumentError("batch without a sequence number");
  // SQLite keeps signed integers; no laptop ever counts that far.
  if (LastSeq(batch) > (uint64_t{1} << 62)) {
    return absl::InvalidArgumentError("sequence number out of range");
  }
  if (!batch.predecessor().empty() && batch.predecessor().size() != kSha256Bytes) {
    return absl::InvalidArgumentError("predecessor is not a SHA-256");
  }
  switch (batch.content_case()) {
    case v1::SealedBatch::kContentsZstd:
      return absl::OkStatus();
    case v1::SealedBatch::kTombstone:
      return CheckTombstone(batch);
    case v1::SealedBatch::CONTENT_NOT_SET:
      break;
  }
  // A content of a newer version is a field that is not known here.
  if (batch.GetReflection()->GetUnknownFields(batch).empty()) {
    return absl::InvalidArgumentError("batch without a content");
  }
  return absl::OkStatus();
}

absl::Status ParseContents(const v1::SealedBatch& batch, v1::Contents& contents) {
  if (batch.content_case() != v1::SealedBatch::kContentsZstd) {
    return absl::FailedPreconditionError(batch.has_tombstone()
                                             ? "a tombstone has no contents"
                                             : "a content this version does not know");
  }
  CANDOR_ASSIGN_OR_RETURN(const std::string raw,
                          Decompress(batch.contents_zstd(), BatchLimits::kContentsBytesMax));
  if (raw.size() != batch.contents_size()) {
    return absl::InvalidArgumentError("contents inflate to " + std::to_string(raw.size()) +
                                      " bytes, not the " + std::to_string(batch.contents_size()) +
                                      " they were said to be");
  }
  if (!contents.ParseFromString(raw)) {
    return absl::InvalidArgumentError("contents are not a Contents message");
  }
  if (contents.events_size() > static_cast<int>(BatchLimits::kEventsMax)) {
    return absl::OutOfRangeError("batch with " + std::to_string(contents.events_size()) +
                                 " events, limit " + std::to_string(BatchLimits::kEventsMax));
  }
  for (int i = 0; i < contents.events_size(); ++i) {
    const v1::Event& event = contents.events(i);
    if (event.boot() >= static_cast<uint32_t>(std::max(contents.boots_size(), 1))) {
      return absl::InvalidArgumentError("event " + std::to_string(i) + ": boot out of range");
    }
    if (event.ByteSizeLong() > BatchLimits::kEventBytesMax) {
      return absl::OutOfRangeError("event " + std::to_string(i) + ": over " +
                                   std::to_string(BatchLimits::kEventBytesMax) + " bytes");
    }
  }
  return ValidateColumns(contents);
}

uint64_t LastSeq(const v1::SealedBatch& batch) {
  return batch.has_tombstone() ? batch.tombstone().seq_last() : batch.seq();
}

std::string ChainHash(std::string_view sealed, const v1::SealedBatch& batch) {
  return batch.has_tombstone() ? batch.tombstone().last_hash() : Sha256(sealed);
}

}  // namespace candor
