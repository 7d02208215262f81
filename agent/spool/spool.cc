#include "agent/spool/spool.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/spool/cutter.h"
#include "agent/spool/internal.h"
#include "common/batch.h"
#include "common/hash.h"
#include "common/status.h"

namespace candor {
Spool::Spool(SpoolOptions options, const Clock& clock, Random& random)
    : options_(std::move(options)),
      clock_(clock),
      random_(random),
      run_(static_cast<int64_t>(random.Next64() >> 2) + 1) {}

Spool::~Spool() = default;

// Harvests ----------------------------------------------------------------------------------------

absl::Status Spool::Add(const Harvest& harvest) {
  if (harvest.empty()) return absl::OkStatus();
  for (std::string& contents : EncodeHarvest(harvest)) {
    // What cannot be read back would spoil the batch it is sealed into.
    if (contents.size() > CutLimits::kHarvestBytesMax ||
        !v1::Contents().ParseFromString(contents)) {
      Lose(contents);
      continue;
    }
    backlog_bytes_ += contents.size();
    backlog_.push_back({std::move(contents), ClassOf(harvest.events) == BatchClass::kEvents});
  }
  for (const auto& [name, value] : harvest.cursors) {
    unsaved_cursors_[name] = value;
    cursors_[name] = value;
  }
  absl::Status status = FlushBacklog();
  if (status.code() == absl::StatusCode::kDataLoss) status = FlushBacklog();
  if (!status.ok()) TrimBacklog();
  return status;
}

absl::Status Spool::FlushBacklog() {
  absl::Status status = Guarded([this] { return InsertBacklog(); });
  failure_ = status.ok() ? std::string() : MessageOf(status);
  return status;
}

absl::Status Spool::SaveCursors() {
  CANDOR_ASSIGN_OR_RETURN(Statement save,
                          db_->Prepare("INSERT INTO cursor VALUES(?, ?) ON CONFLICT(name) DO "
                                       "UPDATE SET value = excluded.value"));
  for (const auto& [name, value] : unsaved_cursors_) {
    CANDOR_RETURN_IF_ERROR(save.BindAll(name, Statement::Blob{value}).Run());
  }
  return absl::OkStatus();
}

absl::Status Spool::InsertBacklog() {
  CANDOR_ASSIGN_OR_RETURN(Step step, Step::Begin(*this));
  CANDOR_ASSIGN_OR_RETURN(Statement insert,
                          db_->Prepare("INSERT INTO pending(contents) VALUES(?)"));
  for (const Waiting& waiting : backlog_) {
    CANDOR_RETURN_IF_ERROR(insert.BindAll(Statement::Blob{waiting.contents}).Run());
    ++state_.pending;
    state_.pending_bytes += waiting.contents.size();
  }
  CANDOR_RETURN_IF_ERROR(SaveCursors());
  if (lost_harvests_ > 0) {
    CANDOR_RETURN_IF_ERROR(InsertNotice(
        "measurements_lost", absl::StrCat("the disk took nothing and memory was full: ",
                                          lost_harvests_, " harvests lost (", lost_.Text(), ")")));
  }
  CANDOR_RETURN_IF_ERROR(step.Commit());
  backlog_.clear();
  backlog_bytes_ = 0;
  unsaved_cursors_.clear();
  lost_ = Tally();
  lost_harvests_ = 0;
  return absl::OkStatus();
}

std::string Spool::Cursor(std::string_view name) const {
  const auto at = cursors_.find(name);
  return at == cursors_.end() ? std::string() : at->second;
}

// Batches -----------------------------------------------------------------------------------------

absl::Status Spool::Seal() {
  if (!backlog_.empty()) CANDOR_RETURN_IF_ERROR(FlushBacklog());
  return Guarded([this]() -> absl::Status {
    CANDOR_RETURN_IF_ERROR(SealPending());
    return ApplyLimits();
  });
}

absl::Status Spool::SealPending() {
  if (state_.pending == 0) return absl::OkStatus();
  CANDOR_ASSIGN_OR_RETURN(Step step, Step::Begin(*this));
  BatchCutter cutter;
  int64_t cutter_run = 0;
  const auto cut = [&] {
    const BatchClass batch_class = cutter.batch_class();
    return InsertBatch(cutter.Take(), batch_class, cutter_run);
  };
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db_->Prepare("SELECT id, contents FROM pending ORDER BY id"));
  v1::Contents contents;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) break;
    const std::string_view bytes = select.BlobAt(1);
    if (!contents.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      ++lost_harvests_;
      continue;
    }
    // What an earlier run measured is kept apart: see BeginEpoch.
    const int64_t run = select.Int(0) > pending_floor_ ? run_ : 0;
    if (!cutter.empty() && (run != cutter_run || !cutter.Add(contents, bytes.size()))) {
      CANDOR_RETURN_IF_ERROR(cut());
    } else if (!cutter.empty()) {
      continue;
    }
    cutter_run = run;
    cutter.Add(contents, bytes.size());
  }
  if (!cutter.empty()) CANDOR_RETURN_IF_ERROR(cut());
  CANDOR_RETURN_IF_ERROR(db_->Execute("DELETE FROM pending"));
  state_.pending = 0;
  state_.pending_bytes = 0;
  CANDOR_RETURN_IF_ERROR(step.Commit());
  // The ids start anew, and whatever comes now is of this run.
  pending_floor_ = 0;
  return absl::OkStatus();
}

absl::Status Spool::InsertBatch(const v1::Contents& contents, BatchClass batch_class, int64_t run) {
  const int64_t now_ms = clock_.WallMs();
  const BatchPlace place{state_.epoch, state_.last_sealed + 1, state_.last_chain};
  const std::string sealed = SealContents(place, batch_class, now_ms, contents);
  std::string chain = Sha256(sealed);
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db_->Prepare("INSERT INTO batch(epoch, seq, seq_last, class, state, run, sealed_wall_ms, "
                   "size, chain) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  CANDOR_RETURN_IF_ERROR(insert
                             .BindAll(state_.epoch, place.seq, place.seq,
                                      static_cast<int>(batch_class),
                                      static_cast<int>(BatchState::kSealed), run, now_ms,
                                      uint64_t{sealed.size()}, Statement::Blob{chain})
                             .Run());
  CANDOR_ASSIGN_OR_RETURN(Statement store, db_->Prepare("INSERT INTO sealed VALUES(?, ?)"));
  CANDOR_RETURN_IF_ERROR(store.BindAll(db_->last_insert_rowid(), Statement::Blob{sealed}).Run());
  state_.last_sealed = place.seq;
  state_.last_chain = std::move(chain);
  state_.held_bytes += sealed.size();
  ++state_.held_batches;
  CANDOR_RETURN_IF_ERROR(SetMeta("last_sealed", static_cast<int64_t>(state_.last_sealed)));
  return SetMeta("last_chain", std::string_view(state_.last_chain));
}

absl::StatusOr<SpoolPosition> Spool::Position() {
  return Guarded([this]() -> absl::StatusOr<SpoolPosition> {
    SpoolPosition position{state_.epoch, state_.last_sealed + 1, state_.last_sealed};
    CANDOR_ASSIGN_OR_RETURN(const auto first, FindRow("seq > ?1 ORDER BY seq", 0));
    if (first) position.first_held = first->seq;
    return position;
  });
}

SpoolFigures Spool::Figures() const {
  return {state_.held_bytes,
          state_.held_batches,
          state_.pending + backlog_.size(),
          state_.pending_bytes + backlog_bytes_,
          state_.ledger_bytes,
          state_.dropped_batches,
          failure_,
          backlog_.size(),
          lost_harvests_};
}

// Acknowledgement ---------------------------------------------------------------------------------

absl::StatusOr<bool> Spool::Welcome(uint64_t epoch, uint64_t next_seq) {
  return Guarded([&]() -> absl::StatusOr<bool> {
    // A push that began in another epoch must not carry batches of this one.
    if (epoch != state_.epoch) return absl::AbortedError("a new epoch began");
    if (next_seq == 0) return true;
    if (next_seq > state_.last_sealed + 1) {
      CANDOR_RETURN_IF_ERROR(
          BeginEpoch(Keep::kThisRun, "older_copy",
                     absl::StrCat("the collector expects batch ", next_seq, ", this spool sealed ",
                                  state_.last_sealed, ": an older copy of it came back")));
      return false;
    }
    CANDOR_RETURN_IF_ERROR(AcknowledgeThrough(next_seq - 1, {}));
    return true;
  });
}

absl::Status Spool::Acknowledge(uint64_t epoch, uint64_t through,
                                const std::vector<Refusal>& refused) {
  return Guarded([&]() -> absl::Status {
    if (epoch != state_.epoch) return absl::OkStatus();
    if (through > state_.last_sealed) {
      return absl::InvalidArgumentError(absl::StrCat("the collector acknowledged batch ", through,
                                                     ", only ", state_.last_sealed,
                                                     " were sealed"));
    }
    CANDOR_RETURN_IF_ERROR(AcknowledgeThrough(through, refused));
    return GiveBackSpace();
  });
}

absl::Status Spool::AcknowledgeThrough(uint64_t through, const std::vector<Refusal>& refused) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement sum,
      db_->Prepare("SELECT COUNT(*), TOTAL(size) FROM batch WHERE state < 3 AND seq <= ?1 AND "
                   "seq_last <= ?1"));
  CANDOR_RETURN_IF_ERROR(sum.BindAll(through).Step().status());
  const auto batches = static_cast<uint64_t>(sum.Int(0));
  const auto bytes = static_cast<uint64_t>(sum.Int(1));
  sum.Reset();
  if (batches == 0) return absl::OkStatus();

  CANDOR_ASSIGN_OR_RETURN(Step step, Step::Begin(*this));
  CANDOR_ASSIGN_OR_RETURN(Statement refuse,
                          db_->Prepare("UPDATE batch SET refused = ? WHERE state < 3 AND seq = ?"));
  for (const Refusal& refusal : refused) {
    CANDOR_RETURN_IF_ERROR(refuse.BindAll(refusal.reason, refusal.seq).Run());
  }
  CANDOR_ASSIGN_OR_RETURN(
      Statement move, db_->Prepare("UPDATE batch SET state = 3, acked_wall_ms = ?2 WHERE state < 3 "
                                   "AND seq <= ?1 AND seq_last <= ?1"));
  CANDOR_RETURN_IF_ERROR(move.BindAll(through, clock_.WallMs()).Run());
  state_.held_batches -= batches;
  state_.held_bytes -= bytes;
  state_.ledger_bytes += bytes;
  CANDOR_RETURN_IF_ERROR(ExpireLedger(age_guard_.Believe(clock_.WallMs(), clock_.BoottimeMs())));
  return step.Commit();
}

// Flight ------------------------------------------------------------------------------------------

Spool::Flight Spool::BeginFlight() {
  in_flight_through_ = 0;
  return Flight(*this, state_.epoch);
}

Spool::Flight::Flight(Flight&& other) noexcept
    : spool_(std::exchange(other.spool_, nullptr)),
      epoch_(other.epoch_),
      through_(other.through_) {}

Spool::Flight::~Flight() {
  if (spool_ == nullptr) return;
  spool_->in_flight_through_ = 0;
}

absl::StatusOr<std::optional<HeldBatch>> Spool::Flight::Next() {
  auto batch = spool_->Guarded([this]() -> absl::StatusOr<std::optional<HeldBatch>> {
    if (spool_->state_.epoch != epoch_) return absl::AbortedError("a new epoch began");
    return spool_->NextHeld(through_);
  });
  if (batch.ok() && *batch) {
    through_ = (*batch)->seq_last;
    spool_->in_flight_through_ = through_;
  }
  return batch;
}

absl::StatusOr<std::optional<HeldBatch>> Spool::NextHeld(uint64_t after) {
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const auto row,
                            FindRow("seq > ?1 ORDER BY seq", static_cast<int64_t>(after)));
    if (!row) return std::nullopt;
    CANDOR_ASSIGN_OR_RETURN(std::string sealed, SealedBytes(row->id));
    if (!row->tombstone && Sha256(sealed) != row->chain) {
      // Its bytes rotted: its place is kept, the rest of the sequence goes on.
      CANDOR_ASSIGN_OR_RETURN(Step step, Step::Begin(*this));
      CANDOR_RETURN_IF_ERROR(DropFor(v1::Tombstone::REASON_UNSPECIFIED, *row));
      CANDOR_RETURN_IF_ERROR(
          InsertNotice("batch_damaged", absl::StrCat("batch ", row->seq,
                                                     " no longer has the bytes it was "
                                                     "sealed with and was dropped")));
      CANDOR_RETURN_IF_ERROR(step.Commit());
      continue;
    }
    if (row->state == BatchState::kSealed) CANDOR_RETURN_IF_ERROR(MarkSent(row->id));
    return HeldBatch{row->seq, row->seq_last, std::move(sealed)};
  }
}

// A long backlog must not sync for each batch: the mark outlives the process at once, a power cut
// only from the next commit on. A batch without its mark is sent, and marked, again.
absl::Status Spool::MarkSent(int64_t id) {
  CANDOR_RETURN_IF_ERROR(db_->Execute("PRAGMA synchronous=NORMAL"));
  CANDOR_ASSIGN_OR_RETURN(
      Statement mark, db_->Prepare("UPDATE batch SET state = 2, sent_wall_ms = ? WHERE id = ?"));
  const absl::Status marked = mark.BindAll(clock_.WallMs(), id).Run();
  CANDOR_RETURN_IF_ERROR(db_->Execute("PRAGMA synchronous=FULL"));
  return marked;
}

absl::StatusOr<std::string> Spool::SealedBytes(int64_t id) {
  CANDOR_ASSIGN_OR_RETURN(Statement select, db_->Prepare("SELECT bytes FROM sealed WHERE id = ?"));
  CANDOR_ASSIGN_OR_RETURN(const bool row, select.BindAll(id).Step());
  if (!row) return absl::DataLossError("a batch has lost its bytes");
  return std::string(select.BlobAt(0));
}

}  // namespace candor
