#include "collector/ingest/batch_check.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "candor/v1/envelope.pb.h"
#include "candor/v1/ingest.pb.h"
#include "common/batch.h"
#include "common/hash.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kDetailBytesMax = 200;

int RefusalOf(const absl::Status& status) {
  if (absl::IsOutOfRange(status)) return v1::TOO_LARGE;
  if (absl::IsUnimplemented(status)) return v1::UNSUPPORTED;
  return v1::MALFORMED;
}

void Refuse(const absl::Status& status, Arrival& arrival) {
  arrival.kind = LogKind::kRefused;
  arrival.refusal = RefusalOf(status);
  arrival.detail = std::string(status.message().substr(0, kDetailBytesMax));
  arrival.chain_hash.clear();
  arrival.sealed.clear();
}

}  // namespace

struct BatchChecker::Messages {
  v1::SealedBatch batch;
  v1::Contents contents;
};

BatchChecker::BatchChecker() : messages_(std::make_unique<Messages>()) {}
BatchChecker::~BatchChecker() = default;

Arrival BatchChecker::Check(std::string sealed, uint64_t epoch, uint64_t place) {
  v1::SealedBatch& batch = messages_->batch;
  Arrival arrival;
  arrival.epoch = epoch;
  arrival.seq = place;
  arrival.seq_last = place;
  arrival.hash = Sha256(sealed);
  arrival.sealed = std::move(sealed);
  const absl::Status frame = [&]() -> absl::Status {
    CANDOR_RETURN_IF_ERROR(ParseSealed(arrival.sealed, batch));
    if (batch.epoch() != epoch) {
      return absl::InvalidArgumentError(
          absl::StrCat("batch of epoch ", absl::Hex(batch.epoch(), absl::kZeroPad16),
                       " in a stream of epoch ", absl::Hex(epoch, absl::kZeroPad16)));
    }
    return absl::OkStatus();
  }();
  if (!frame.ok()) {
    Refuse(frame, arrival);
    return arrival;
  }
  arrival.seq = batch.seq();
  arrival.seq_last = LastSeq(batch);
  arrival.predecessor = batch.predecessor();
  if (batch.has_tombstone()) {
    arrival.kind = LogKind::kTombstone;
    arrival.chain_hash = batch.tombstone().last_hash();
    return arrival;
  }
  arrival.chain_hash = arrival.hash;
  // What only a newer version can read is kept for it.
  if (batch.content_case() == v1::SealedBatch::CONTENT_NOT_SET) return arrival;
  const absl::Status contents = ParseContents(batch, messages_->contents);
  if (!contents.ok()) Refuse(contents, arrival);
  return arrival;
}

Arrival CheckerPool::Check(std::string sealed, uint64_t epoch, uint64_t place) {
  std::unique_ptr<BatchChecker> checker;
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      checker = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (checker == nullptr) checker = std::make_unique<BatchChecker>();
  Arrival arrival = checker->Check(std::move(sealed), epoch, place);
  std::lock_guard lock(mutex_);
  if (idle_.size() < kKeptMax) idle_.push_back(std::move(checker));
  return arrival;
}

}  // namespace candor
