// A laptop's spool as far as ingest tests need one: seals real batches into a chain.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "common/columns.h"
#include "common/hash.h"
#include "common/registry.h"

namespace candor::testing {

class Laptop {
 public:
  explicit Laptop(uint64_t epoch = 0xabcdef0123456789) : epoch_(epoch) {}

  // The next batch: one minute with one window whose sum is `value`.
  std::string Seal(int64_t value) {
    MinuteWindows minute;
    minute.minute.wall_min = 29'800'000 + static_cast<int64_t>(seq_);
    minute.minute.boot_id = std::string(16, 'b');
    Window window;
    window.metric = metric::kSegmentsSent;
    window.sum = value;
    minute.windows.push_back(window);
    v1::Contents contents;
    EncodeWindows({minute}, contents);
    return SealContents(contents);
  }

  // A batch whose frame is sound and whose contents are not.
  std::string SealBroken() {
    v1::SealedBatch batch;
    FillPlace(batch);
    batch.set_contents_zstd("not a zstd frame");
    batch.set_contents_size(10);
    return Link(batch.SerializeAsString());
  }

  // A batch of the laptop's own making, whatever stands in it.
  std::string SealContents(const v1::Contents& contents) {
    return Link(
        candor::SealContents(NextPlace(), BatchClass::kWindows, 1'788'000'000'000, contents));
  }

  // A batch whose content is of a kind that does not exist yet.
  std::string SealUnknown(std::string_view content) {
    v1::SealedBatch batch;
    FillPlace(batch);
    batch.set_sealed_wall_ms(1'788'000'000'000);
    batch.GetReflection()->MutableUnknownFields(&batch)->AddLengthDelimited(99,
                                                                            std::string(content));
    return Link(batch.SerializeAsString());
  }

  // A tombstone for the next `places`, which it says ended with the batch that hashes to `last`.
  std::string SealTombstone(uint64_t places, std::string_view last) {
    v1::Tombstone tombstone;
    tombstone.set_seq_last(seq_ + places);
    tombstone.set_last_hash(std::string(last));
    tombstone.set_reason(v1::Tombstone::SPOOL_FULL);
    const std::string sealed =
        candor::SealTombstone(NextPlace(), BatchClass::kWindows, 1'788'000'000'000, tombstone);
    seq_ += places;
    chain_hash_ = last;
    return sealed;
  }

  // Loses the next `places` without a trace.
  void Lose(uint64_t places) {
    seq_ += places;
    chain_hash_ = std::string(kSha256Bytes, 'l');
  }

  uint64_t epoch() const { return epoch_; }
  uint64_t last_sealed() const { return seq_; }
  const std::string& chain_hash() const { return chain_hash_; }

 private:
  BatchPlace NextPlace() const { return {epoch_, seq_ + 1, chain_hash_}; }
  void FillPlace(v1::SealedBatch& batch) const {
    batch.set_epoch(epoch_);
    batch.set_seq(seq_ + 1);
    batch.set_predecessor(chain_hash_);
    batch.set_batch_class(1);
  }
  std::string Link(std::string sealed) {
    ++seq_;
    chain_hash_ = Sha256(sealed);
    return sealed;
  }

  uint64_t epoch_;
  uint64_t seq_ = 0;
  std::string chain_hash_;
};

}  // namespace candor::testing
