#include "collector/ingest/log_check.h"

#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "candor/v1/envelope.pb.h"
#include "collector/store/schema.h"
#include "common/batch.h"
#include "common/hash.h"
#include "common/status.h"

namespace candor {
namespace {

struct Row {
  int64_t device = 0;
  uint64_t epoch = 0;
  uint64_t seq = 0;
  uint64_t seq_last = 0;
  LogKind kind = LogKind::kBatch;
};

class Checker {
 public:
  Checker(Database& db, LogCheck& result) : db_(db), result_(result) {}

  absl::Status Run() {
    CANDOR_RETURN_IF_ERROR(CheckRows());
    CANDOR_RETURN_IF_ERROR(CheckLonelyCursors());
    CANDOR_RETURN_IF_ERROR(CheckWatermarks());
    CANDOR_ASSIGN_OR_RETURN(const int64_t quarantined,
                            db_.QueryInt("SELECT count(*) FROM quarantine"));
    result_.quarantined = static_cast<uint64_t>(quarantined);
    return absl::OkStatus();
  }

 private:
  absl::Status CheckRows() {
    CANDOR_ASSIGN_OR_RETURN(
        Statement rows,
        db_.Prepare("SELECT device, epoch, seq, seq_last, kind, hash, sealed FROM log "
                    "ORDER BY device, epoch, seq"));
    std::optional<Row> before;
    for (;;) {
      CANDOR_ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) break;
      Row row;
      row.device = rows.Int(0);
      row.epoch = static_cast<uint64_t>(rows.Int(1));
      row.seq = static_cast<uint64_t>(rows.Int(2));
      row.seq_last = static_cast<uint64_t>(rows.Int(3));
      row.kind = static_cast<LogKind>(rows.Int(4));
      if (!before || before->device != row.device || before->epoch != row.epoch) {
        if (before) CANDOR_RETURN_IF_ERROR(CheckCursor(*before));
        before.reset();
        chain_hash_.clear();
        ++result_.epochs;
      }
      CheckPlace(row, before);
      CheckContent(row, before, rows.BlobAt(5), rows.BlobAt(6), rows.IsNull(6));
      before = row;
    }
    return before ? CheckCursor(*before) : absl::OkStatus();
  }

  void CheckPlace(const Row& row, const std::optional<Row>& before) {
    if (row.seq_last < row.seq) Wrong(row, "ends before it begins");
    if (!before || row.seq == before->seq_last + 1) return;
    if (row.seq <= before->seq_last) {
      Wrong(row, "overlaps the row before it");
    } else {
      Wrong(row, absl::StrCat("places ", before->seq_last + 1, " to ", row.seq - 1,
                              " before it are missing"));
    }
  }

  void CheckContent(const Row& row, const std::optional<Row>& before, std::string_view hash,
                    std::string_view sealed, bool no_bytes) {
    switch (row.kind) {
      case LogKind::kRefused:
        ++result_.refused;
        chain_hash_.clear();
        return;
      case LogKind::kGap:
        ++result_.gaps;
        chain_hash_.clear();
        return;
      case LogKind::kBatch:
        ++result_.batches;
        break;
      case LogKind::kTombstone:
        ++result_.tombstones;
        break;
      default:
        Wrong(row, "is of no known kind");
        return;
    }
    if (no_bytes) {
      Wrong(row, "has lost its bytes");
      return;
    }
    if (Sha256(sealed) != hash) Wrong(row, "does not hash to what was recorded");
    CheckSealed(row, before, sealed);
  }

  void CheckSealed(const Row& row, const std::optional<Row>& before, std::string_view sealed) {
    if (const absl::Status parsed = ParseSealed(sealed, batch_); !parsed.ok()) {
      Wrong(row, std::string(parsed.message()));
      chain_hash_.clear();
      return;
    }
    // A tombstone over places that had arrived meanwhile is stored for the rest of them.
    const bool for_the_rest = batch_.has_tombstone() && before && batch_.seq() < row.seq;
    if (batch_.epoch() != row.epoch || (batch_.seq() != row.seq && !for_the_rest) ||
        LastSeq(batch_) != row.seq_last ||
        batch_.has_tombstone() != (row.kind == LogKind::kTombstone)) {
      Wrong(row, "says another place than the one it is stored in");
    }
    if (!for_the_rest && !chain_hash_.empty() && batch_.predecessor() != chain_hash_) {
      Wrong(row, "does not follow the row before it");
    }
    chain_hash_ = ChainHash(sealed, batch_);
  }

  absl::Status CheckCursor(const Row& last) {
    CANDOR_ASSIGN_OR_RETURN(
        Statement cursor,
        db_.Prepare("SELECT seq, chain_hash FROM cursor WHERE device = ? AND epoch = ?"));
    cursor.BindAll(last.device, last.epoch);
    CANDOR_ASSIGN_OR_RETURN(const bool found, cursor.Step());
    if (!found) {
      Wrong(last, "has no cursor");
    } else if (static_cast<uint64_t>(cursor.Int(0)) != last.seq_last) {
      Wrong(last, absl::StrCat("is the last, but the cursor stands at ", cursor.Int(0)));
    } else if (cursor.BlobAt(1) != chain_hash_) {
      Wrong(last, "is the last, but the cursor holds another hash");
    }
    return absl::OkStatus();
  }

  absl::Status CheckLonelyCursors() {
    CANDOR_ASSIGN_OR_RETURN(
        Statement cursors,
        db_.Prepare(
            "SELECT device, epoch FROM cursor WHERE device NOT IN (SELECT no FROM device)"));
    for (;;) {
      CANDOR_ASSIGN_OR_RETURN(const bool more, cursors.Step());
      if (!more) return absl::OkStatus();
      Add(absl::StrCat("cursor of device ", cursors.Int(0), " belongs to no enrolled device"));
    }
  }

  absl::Status CheckWatermarks() {
    CANDOR_ASSIGN_OR_RETURN(const int64_t head,
                            db_.QueryInt("SELECT coalesce(max(id), 0) FROM log"));
    CANDOR_ASSIGN_OR_RETURN(Statement folds, db_.Prepare("SELECT name, watermark FROM fold"));
    for (;;) {
      CANDOR_ASSIGN_OR_RETURN(const bool more, folds.Step());
      if (!more) return absl::OkStatus();
      // With an empty log the watermark is all that remembers how far it went.
      if (head > 0 && folds.Int(1) > head) {
        Add(absl::StrCat("fold ", std::string(folds.Text(0)), " stands at ", folds.Int(1),
                         ", beyond the log's last row ", head));
      }
    }
  }

  void Wrong(const Row& row, std::string_view what) {
    Add(absl::StrCat("log: device ", row.device, " epoch ", absl::Hex(row.epoch, absl::kZeroPad16),
                     " place ", row.seq, ": ", std::string(what)));
  }
  void Add(std::string line) {
    ++result_.wrong;
    if (result_.findings.size() < LogCheck::kFindingsMax) {
      result_.findings.push_back(std::move(line));
    }
  }

  Database& db_;
  LogCheck& result_;
  v1::SealedBatch batch_;
  std::string chain_hash_;  // of the row before; empty where the chain starts anew
};

}  // namespace

absl::StatusOr<LogCheck> CheckLog(Database& db) {
  LogCheck result;
  CANDOR_RETURN_IF_ERROR(Checker(db, result).Run());
  return result;
}

}  // namespace candor
