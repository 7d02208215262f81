#include "collector/fold/fold_runner.h"

#include <utility>

#include "collector/fold/rebuild_mark.h"
#include "collector/fold/score_pass.h"
#include "collector/fold/slice.h"
#include "collector/fold/slice_store.h"
#include "common/status.h"

namespace candor {
namespace {

// While the log is long, so many slices of facts come before one of scores.
constexpr int kFactSlicesInARow = 16;

LogRow ReadRow(const Statement& select) {
  LogRow row;
  row.id = select.Int(0);
  row.device = select.Int(1);
  row.epoch = static_cast<uint64_t>(select.Int(2));
  row.seq = static_cast<uint64_t>(select.Int(3));
  row.kind = static_cast<int>(select.Int(4));
  row.received_ms = select.Int(5);
  row.skew_ms = select.Int(6);
  row.sealed_through_day = select.Int(7);
  row.sealed = select.BlobAt(8);
  return row;
}

struct FoldedRows {
  Slice slice;
  uint64_t rows = 0;
};

absl::StatusOr<FoldedRows> FoldRows(Database& db, RowFolder& folder, int64_t watermark,
                                    const std::optional<RebuildMark>& rebuild,
                                    const FoldLimits& limits) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare("SELECT id, device, epoch, seq, kind, received_ms, skew_ms, sealed_through_day,"
                 " sealed FROM log WHERE id > ? ORDER BY id LIMIT ?"));
  select.BindAll(watermark, limits.rows_max);
  FoldedRows folded;
  size_t bytes = 0;
  while (bytes < limits.bytes_max && folded.slice.size() < limits.changes_max) {
    CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) break;
    const LogRow row = ReadRow(select);
    bytes += row.sealed.size();
    ++folded.rows;
    DayGate gate;
    if (rebuild && row.id <= rebuild->through_log) gate.skip_through = rebuild->sealed_day;
    folder.Fold(row, gate, folded.slice);
  }
  return folded;
}

}  // namespace

FoldRunner::FoldRunner(Database reader, CommitFn commit, ModelSet models, FoldLimits limits)
    : reader_(std::move(reader)),
      commit_(std::move(commit)),
      models_(std::move(models)),
      limits_(limits) {}

absl::StatusOr<int64_t> FoldRunner::LogHead() {
  return reader_.QueryInt("SELECT coalesce(max(id), 0) FROM log");
}

absl::StatusOr<bool> FoldRunner::FoldSlice() {
  CANDOR_ASSIGN_OR_RETURN(progress_.watermark, ReadWatermark(reader_));
  CANDOR_ASSIGN_OR_RETURN(const std::optional<RebuildMark> rebuild, ReadRebuildMark(reader_));
  CANDOR_ASSIGN_OR_RETURN(FoldedRows folded,
                          FoldRows(reader_, rows_, progress_.watermark, rebuild, limits_));
  if (folded.rows == 0) return false;
  CANDOR_ASSIGN_OR_RETURN(const PreparedSlice prepared,
                          PrepareSlice(reader_, std::move(folded.slice)));
  const Slice& slice = prepared.slice;
  const auto write = [&](Database& db) -> absl::Status {
    CANDOR_RETURN_IF_ERROR(WriteSlice(db, prepared));
    const bool rebuilt = rebuild && slice.watermark >= rebuild->through_log;
    return rebuilt ? ClearRebuildMark(db) : absl::OkStatus();
  };
  CANDOR_RETURN_IF_ERROR(commit_(write));
  progress_.watermark = slice.watermark;
  progress_.rows += folded.rows;
  progress_.batches += slice.batches;
  progress_.skipped += slice.skipped;
  ++progress_.slices;
  return true;
}

absl::StatusOr<bool> FoldRunner::ScoreSlice() {
  CANDOR_ASSIGN_OR_RETURN(const ScoredSlice slice,
                          DeriveScores(reader_, models_, limits_.devices_max));
  if (slice.cleared.empty()) return false;
  CANDOR_RETURN_IF_ERROR(commit_([&](Database& db) { return WriteScores(db, slice); }));
  progress_.days_scored += slice.days.size();
  ++progress_.slices;
  return true;
}

absl::StatusOr<bool> FoldRunner::Step() {
  if (fact_slices_in_a_row_ < kFactSlicesInARow) {
    CANDOR_ASSIGN_OR_RETURN(const bool folded, FoldSlice());
    ++fact_slices_in_a_row_;
    if (folded) return true;
  }
  fact_slices_in_a_row_ = 0;
  CANDOR_ASSIGN_OR_RETURN(const bool scored, ScoreSlice());
  if (scored) return true;
  return FoldSlice();
}

}  // namespace candor
