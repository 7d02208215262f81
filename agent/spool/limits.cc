// What the spool drops when it must, and what stays in its place.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/spool/internal.h"
#include "candor/v1/envelope.pb.h"
#include "common/batch.h"

namespace candor {
namespace {

// The clock that ages are judged by is compared with the one of an earlier run by the hour.
constexpr int64_t kSaveBeliefEveryMs = 3'600'000;

// What a held batch stood for, whether it can still be read or not.
void TallyBatch(const v1::SealedBatch& batch, uint64_t size, Tally& tally) {
  if (batch.has_tombstone()) {
    tally.Add(batch.tombstone());
    return;
  }
  tally.AddBytes(size);
  v1::Contents contents;
  if (ParseContents(batch, contents).ok()) tally.Add(contents);
}

}  // namespace

void Spool::Lose(const std::string& contents) {
  v1::Contents lost;
  if (lost.ParseFromString(contents)) lost_.Add(lost);
  ++lost_harvests_;
}

void Spool::TrimBacklog() {
  while (backlog_bytes_ > options_.backlog_bytes_max && !backlog_.empty()) {
    auto victim = std::find_if(backlog_.begin(), backlog_.end(),
                               [](const Waiting& waiting) { return !waiting.has_events; });
    if (victim == backlog_.end()) victim = backlog_.begin();
    Lose(victim->contents);
    backlog_bytes_ -= victim->contents.size();
    backlog_.erase(victim);
  }
}

absl::StatusOr<std::optional<Spool::Row>> Spool::FindRow(std::string_view condition, int64_t first,
                                                         int64_t second) {
  // ?2 is always there, so that both can be bound.
  const std::string sql = absl::StrCat(
      "SELECT id, seq, seq_last, class, state, sealed_wall_ms, sent_wall_ms, size, chain FROM "
      "batch WHERE ?2 = ?2 AND state < 3 AND ",
      std::string(condition), " LIMIT 1");
  CANDOR_ASSIGN_OR_RETURN(Statement select, db_->Prepare(sql));
  CANDOR_ASSIGN_OR_RETURN(const bool found, select.BindAll(first, second).Step());
  if (!found) return std::nullopt;
  Row row;
  row.id = select.Int(0);
  row.seq = static_cast<uint64_t>(select.Int(1));
  row.seq_last = static_cast<uint64_t>(select.Int(2));
  row.tombstone = select.Int(3) == 0;
  row.state = static_cast<BatchState>(select.Int(4));
  row.sealed_wall_ms = select.Int(5);
  row.sent_wall_ms = select.Int(6);
  row.size = static_cast<uint64_t>(select.Int(7));
  row.chain = select.BlobAt(8);
  return row;
}

int64_t Spool::OldestKeptMs() const { return clock_.WallMs() - options_.age_max_ms; }

// Most of the time nothing is, and nothing is written.
absl::StatusOr<bool> Spool::LimitsDue(bool believed) {
  if (state_.held_bytes > options_.bytes_max) return true;
  const int64_t now_ms = clock_.BoottimeMs();
  if (!belief_saved_ms_ || now_ms - *belief_saved_ms_ >= kSaveBeliefEveryMs) return true;
  if (believed) {
    CANDOR_ASSIGN_OR_RETURN(const auto old,
                            FindRow("class > 0 AND seq > ?1 AND sealed_wall_ms < ?2",
                                    static_cast<int64_t>(in_flight_through_), OldestKeptMs()));
    if (old) return true;
  }
  CANDOR_ASSIGN_OR_RETURN(const auto sent, LedgerRowDue(believed));
  return sent.has_value();
}

absl::Status Spool::ApplyLimits() {
  const bool believed = age_guard_.Believe(clock_.WallMs(), clock_.BoottimeMs());
  CANDOR_ASSIGN_OR_RETURN(const bool due, LimitsDue(believed));
  if (!due) return absl::OkStatus();
  CANDOR_ASSIGN_OR_RETURN(Step step, Step::Begin(*this));
  const auto in_flight = static_cast<int64_t>(in_flight_through_);
  while (state_.held_bytes > options_.bytes_max) {
    CANDOR_ASSIGN_OR_RETURN(const auto row,
                            FindRow("class > 0 AND seq > ?1 ORDER BY class, seq", in_flight));
    if (!row) break;
    CANDOR_RETURN_IF_ERROR(DropFor(v1::Tombstone::SPOOL_FULL, *row));
  }
  while (believed) {
    CANDOR_ASSIGN_OR_RETURN(const auto row,
                            FindRow("class > 0 AND seq > ?1 AND sealed_wall_ms < ?2 ORDER BY seq",
                                    in_flight, OldestKeptMs()));
    if (!row) break;
    CANDOR_RETURN_IF_ERROR(DropFor(v1::Tombstone::TOO_OLD, *row));
  }
  CANDOR_RETURN_IF_ERROR(SetMeta("believed_wall_ms", age_guard_.believed_wall_ms()));
  CANDOR_RETURN_IF_ERROR(ExpireLedger(believed));
  CANDOR_RETURN_IF_ERROR(step.Commit());
  belief_saved_ms_ = clock_.BoottimeMs();
  return absl::OkStatus();
}

absl::Status Spool::DropFor(int reason, const Row& row) {
  const auto in_flight = static_cast<int64_t>(in_flight_through_);
  CANDOR_ASSIGN_OR_RETURN(auto before,
                          FindRow("class = 0 AND seq < ?1 AND seq > ?2 ORDER BY seq DESC",
                                  static_cast<int64_t>(row.seq), in_flight));
  if (before && before->seq_last + 1 != row.seq) before.reset();
  CANDOR_ASSIGN_OR_RETURN(
      const auto after, FindRow("class = 0 AND seq = ?1", static_cast<int64_t>(row.seq_last) + 1));
  Tally tally;
  v1::Tombstone tombstone;
  tombstone.set_reason(static_cast<v1::Tombstone::Reason>(reason));
  const uint64_t seq = before ? before->seq : row.seq;
  std::string predecessor;
  std::vector<Row> parts;
  if (before) parts.push_back(*before);
  parts.push_back(row);
  if (after) parts.push_back(*after);
  for (const Row& part : parts) {
    CANDOR_ASSIGN_OR_RETURN(const std::string sealed, SealedBytes(part.id));
    v1::SealedBatch batch;
    const bool readable = ParseSealed(sealed, batch).ok();
    if (readable) TallyBatch(batch, part.size, tally);
    if (part.seq == seq && readable) predecessor = batch.predecessor();
    // A full spool weighs more than age as the reason for a merged range.
    if (readable && batch.tombstone().reason() == v1::Tombstone::SPOOL_FULL) {
      tombstone.set_reason(v1::Tombstone::SPOOL_FULL);
    }
    CANDOR_RETURN_IF_ERROR(RetireRow(part));
  }
  if (reason == v1::Tombstone::REASON_UNSPECIFIED) {
    // What rotted may be the predecessor's hash itself.
    CANDOR_ASSIGN_OR_RETURN(predecessor, ChainBefore(seq));
  }
  tally.Write(tombstone);
  tombstone.set_seq_last(after ? after->seq_last : row.seq_last);
  tombstone.set_last_hash(after ? after->chain : row.chain);
  CANDOR_RETURN_IF_ERROR(InsertTombstone({state_.epoch, seq, predecessor}, tombstone));
  ++state_.dropped_batches;
  return SetMeta("dropped_batches", static_cast<int64_t>(state_.dropped_batches));
}

absl::StatusOr<std::string> Spool::ChainBefore(uint64_t seq) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db_->Prepare("SELECT chain FROM batch WHERE epoch = ? AND seq_last = ? "
                                       "ORDER BY id DESC LIMIT 1"));
  CANDOR_ASSIGN_OR_RETURN(const bool found, select.BindAll(state_.epoch, seq - 1).Step());
  return found ? std::string(select.BlobAt(0)) : std::string();
}

absl::Status Spool::InsertTombstone(const BatchPlace& place, const v1::Tombstone& tombstone) {
  const int64_t now_ms = clock_.WallMs();
  const std::string sealed = SealTombstone(place, BatchClass::kEvents, now_ms, tombstone);
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db_->Prepare("INSERT INTO batch(epoch, seq, seq_last, class, state, run, sealed_wall_ms, "
                   "size, chain) VALUES(?, ?, ?, 0, ?, 0, ?, ?, ?)"));
  CANDOR_RETURN_IF_ERROR(insert
                             .BindAll(place.epoch, place.seq, tombstone.seq_last(),
                                      static_cast<int>(BatchState::kSealed), now_ms,
                                      uint64_t{sealed.size()},
                                      Statement::Blob{tombstone.last_hash()})
                             .Run());
  CANDOR_ASSIGN_OR_RETURN(Statement store, db_->Prepare("INSERT INTO sealed VALUES(?, ?)"));
  CANDOR_RETURN_IF_ERROR(store.BindAll(db_->last_insert_rowid(), Statement::Blob{sealed}).Run());
  state_.held_bytes += sealed.size();
  ++state_.held_batches;
  return absl::OkStatus();
}

absl::Status Spool::RetireRow(const Row& row) {
  if (row.state == BatchState::kSent) {
    // It left the laptop, so the ledger keeps it.
    CANDOR_ASSIGN_OR_RETURN(
        Statement keep,
        db_->Prepare("UPDATE batch SET state = 3, refused = 'dropped before it was acknowledged' "
                     "WHERE id = ?"));
    CANDOR_RETURN_IF_ERROR(keep.BindAll(row.id).Run());
    state_.ledger_bytes += row.size;
  } else {
    for (const std::string_view sql :
         {"DELETE FROM batch WHERE id = ?", "DELETE FROM sealed WHERE id = ?"}) {
      CANDOR_ASSIGN_OR_RETURN(Statement erase, db_->Prepare(sql));
      CANDOR_RETURN_IF_ERROR(erase.BindAll(row.id).Run());
    }
  }
  state_.held_bytes -= row.size;
  --state_.held_batches;
  return absl::OkStatus();
}

}  // namespace candor
