// The ledger: every batch that left the laptop, to be read by the person who sits at it; its bytes
// for a while, then what each day's batches held.
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/spool/internal.h"
#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "common/time_text.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr int kLedgerRowsAtOnce = 64;
constexpr int64_t kDigestDaysMax = 3'660;
// Whether sent batches grew too old is looked at so often: it takes a look at each.
constexpr int64_t kAgeEveryMs = 3'600'000;
constexpr int64_t kFreePagesKept = 4'096;
constexpr int64_t kFreePagesAtOnce = 2'048;

}  // namespace

// The oldest where there are too many bytes, any that is too old else: one that was sent under a
// clock far ahead must not keep those behind it.
absl::StatusOr<std::optional<Spool::Row>> Spool::LedgerRowDue(bool believed) {
  const bool full = state_.ledger_bytes > options_.ledger_bytes_max;
  const int64_t now_ms = clock_.BoottimeMs();
  const bool look = believed && (!ledger_aged_ms_ || now_ms - *ledger_aged_ms_ >= kAgeEveryMs);
  if (!full && !look) return std::nullopt;
  CANDOR_ASSIGN_OR_RETURN(
      Statement select, db_->Prepare("SELECT id, MAX(sent_wall_ms, acked_wall_ms), size FROM batch "
                                     "WHERE state = 3 AND (?1 OR MAX(sent_wall_ms, acked_wall_ms) "
                                     "< ?2) ORDER BY id LIMIT 1"));
  const int64_t oldest_ms = clock_.WallMs() - options_.ledger_age_max_ms;
  CANDOR_ASSIGN_OR_RETURN(const bool found, select.BindAll(full, oldest_ms).Step());
  if (!found) {
    if (look) ledger_aged_ms_ = now_ms;
    return std::nullopt;
  }
  Row row;
  row.id = select.Int(0);
  row.sent_wall_ms = select.Int(1);
  row.size = static_cast<uint64_t>(select.Int(2));
  return row;
}

absl::Status Spool::ExpireLedger(bool believed) {
  for (int i = 0; i < kLedgerRowsAtOnce; ++i) {
    CANDOR_ASSIGN_OR_RETURN(const auto row, LedgerRowDue(believed));
    if (!row) break;
    CANDOR_RETURN_IF_ERROR(DigestRow(*row));
  }
  return absl::OkStatus();
}

absl::Status Spool::DigestRow(const Row& row) {
  const int64_t day = LocalDay(row.sent_wall_ms, clock_.UtcOffsetMin(row.sent_wall_ms));
  Tally tally;
  CANDOR_ASSIGN_OR_RETURN(Statement known, db_->Prepare("SELECT counts FROM digest WHERE day = ?"));
  CANDOR_ASSIGN_OR_RETURN(const bool found, known.BindAll(day).Step());
  v1::Tombstone counts;
  if (found && counts.ParseFromString(std::string(known.BlobAt(0)))) tally.Add(counts);
  known.Reset();
  CANDOR_ASSIGN_OR_RETURN(const std::string sealed, SealedBytes(row.id));
  v1::SealedBatch batch;
  v1::Contents contents;
  // A tombstone that was sent told of losses; it held no measurements.
  if (ParseSealed(sealed, batch).ok() && ParseContents(batch, contents).ok()) tally.Add(contents);
  counts.Clear();
  tally.Write(counts);

  CANDOR_ASSIGN_OR_RETURN(
      Statement merge,
      db_->Prepare("INSERT INTO digest VALUES(?, 1, ?, ?) ON CONFLICT(day) DO UPDATE SET batches = "
                   "batches + 1, bytes = bytes + excluded.bytes, counts = excluded.counts"));
  CANDOR_RETURN_IF_ERROR(
      merge.BindAll(day, row.size, Statement::Blob{counts.SerializeAsString()}).Run());
  // By their number, not by the calendar: a day that a wrong clock made up costs one place.
  CANDOR_ASSIGN_OR_RETURN(Statement trim,
                          db_->Prepare("DELETE FROM digest WHERE day <= (SELECT day FROM digest "
                                       "ORDER BY day DESC LIMIT 1 OFFSET ?)"));
  CANDOR_RETURN_IF_ERROR(trim.BindAll(kDigestDaysMax).Run());
  for (const std::string_view sql :
       {"DELETE FROM batch WHERE id = ?", "DELETE FROM sealed WHERE id = ?"}) {
    CANDOR_ASSIGN_OR_RETURN(Statement erase, db_->Prepare(sql));
    CANDOR_RETURN_IF_ERROR(erase.BindAll(row.id).Run());
  }
  state_.ledger_bytes -= row.size;
  return absl::OkStatus();
}

absl::Status Spool::GiveBackSpace() {
  CANDOR_ASSIGN_OR_RETURN(const int64_t free_pages, db_->QueryInt("PRAGMA freelist_count"));
  if (free_pages < kFreePagesKept) return absl::OkStatus();
  return db_->Execute(absl::StrCat("PRAGMA incremental_vacuum(", kFreePagesAtOnce, ")"));
}

absl::StatusOr<std::vector<LedgerRow>> Spool::Ledger(int64_t before, size_t limit, uint64_t seq) {
  return Guarded([&]() -> absl::StatusOr<std::vector<LedgerRow>> {
    CANDOR_ASSIGN_OR_RETURN(
        Statement select,
        db_->Prepare("SELECT id, epoch, seq, sent_wall_ms, acked_wall_ms, size, refused, bytes "
                     "FROM batch JOIN sealed USING(id) WHERE state >= 2 AND id < ?1 AND (?3 = 0 "
                     "OR ?3 BETWEEN seq AND seq_last) ORDER BY id DESC LIMIT ?2"));
    select.BindAll(before, uint64_t{limit}, seq);
    std::vector<LedgerRow> rows;
    size_t bytes = 0;
    while (true) {
      CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
      if (!found || bytes >= kLedgerPageBytes) return rows;
      LedgerRow row;
      row.id = select.Int(0);
      row.epoch = static_cast<uint64_t>(select.Int(1));
      row.seq = static_cast<uint64_t>(select.Int(2));
      row.sent_wall_ms = select.Int(3);
      row.acked_wall_ms = select.Int(4);
      row.size = static_cast<uint64_t>(select.Int(5));
      row.refused = select.Text(6);
      row.sealed = select.BlobAt(7);
      bytes += row.sealed.size();
      rows.push_back(std::move(row));
    }
  });
}

absl::StatusOr<std::vector<LedgerRow>> Spool::LedgerDigests() {
  return Guarded([&]() -> absl::StatusOr<std::vector<LedgerRow>> {
    CANDOR_ASSIGN_OR_RETURN(
        Statement select,
        db_->Prepare("SELECT day, batches, bytes, counts FROM digest ORDER BY day DESC"));
    std::vector<LedgerRow> rows;
    while (true) {
      CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
      if (!found) return rows;
      v1::Tombstone counts;
      Tally tally;
      if (counts.ParseFromString(std::string(select.BlobAt(3)))) tally.Add(counts);
      LedgerRow row;
      row.sent_wall_ms = select.Int(0) * kMsPerDay;
      row.size = static_cast<uint64_t>(select.Int(2));
      row.digest =
          absl::StrCat(FormatDay(select.Int(0)), ": ", select.Int(1), " batches, ", tally.Text());
      rows.push_back(std::move(row));
    }
  });
}

}  // namespace candor
