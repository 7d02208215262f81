#include "collector/ingest/log_appender.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "candor/v1/envelope.pb.h"
#include "candor/v1/ingest.pb.h"
#include "common/batch.h"
#include "common/log.h"
#include "common/status.h"

namespace candor {
namespace {

// Before any day was sealed.
constexpr int64_t kNoDaySealed = std::numeric_limits<int32_t>::min();

enum Sql {
  kLoadCursor,
  kForked,
  kForkedSince,
  kEnrolledAnew,
  kSaveCursor,
  kInsertLog,
  kCovering,
  kQuarantine,
  kSeen,
  kSealedThrough,
  kLastId,
};
constexpr std::string_view kSql[] = {
    "SELECT seq, chain_hash, opened_ms FROM cursor WHERE device = ? AND epoch = ?",
    "SELECT 1 FROM quarantine WHERE device = ? AND epoch = ? LIMIT 1",
    "SELECT min(received_ms) FROM quarantine WHERE device = ? AND epoch = ?",
    // As in collector/store/losses.cc.
    "SELECT 1 FROM device AS old JOIN device AS new ON new.host = old.host "
    "WHERE old.no = ? AND new.no <> old.no AND new.enrolled_ms >= ? LIMIT 1",
    "INSERT INTO cursor (device, epoch, seq, chain_hash, opened_ms) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (device, epoch) DO UPDATE SET seq = excluded.seq, "
    "chain_hash = excluded.chain_hash",
    "INSERT INTO log (id, device, epoch, seq, seq_last, kind, hash, received_ms, skew_ms, "
    "sealed_through_day, detail, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    // Only a tombstone's bytes are needed: its chain hash is inside.
    "SELECT seq_last, kind, hash, detail, CASE WHEN kind = 1 THEN sealed END FROM log "
    "WHERE device = ? AND epoch = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
    "INSERT INTO quarantine (device, epoch, seq, hash, received_ms, reason, sealed) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    "UPDATE device SET last_seen_ms = max(coalesce(last_seen_ms, 0), ?1), "
    "agent_version = CASE WHEN ?2 = '' THEN agent_version ELSE ?2 END WHERE no = ?3",
    "SELECT value FROM meta WHERE key = 'sealed_through_day'",
    // An id is never given twice, also when everything up to a fold's watermark has been pruned.
    "SELECT max((SELECT coalesce(max(id), 0) FROM log), "
    "(SELECT coalesce(max(watermark), 0) FROM fold))",
};

BatchAnswer Acknowledged(const Arrival& arrival, Verdict verdict) {
  BatchAnswer answer;
  answer.verdict = verdict;
  answer.seq = arrival.seq;
  answer.through = arrival.seq_last;
  return answer;
}

// "MALFORMED: why", as kept in log.detail.
std::string RefusalText(int refusal, std::string_view detail) {
  return absl::StrCat(v1::RefusalReason_Name(static_cast<v1::RefusalReason>(refusal)), ": ",
                      std::string(detail));
}

BatchAnswer RefusedAnswer(const Arrival& arrival, std::string_view text) {
  BatchAnswer answer = Acknowledged(arrival, Verdict::kRefused);
  const size_t colon = text.find(": ");
  v1::RefusalReason reason = v1::REFUSAL_UNSPECIFIED;
  if (colon != std::string_view::npos &&
      v1::RefusalReason_Parse(std::string(text.substr(0, colon)), &reason)) {
    text.remove_prefix(colon + 2);
  }
  answer.refusal = reason;
  answer.detail = text;
  return answer;
}

}  // namespace

struct LogAppender::Counts {
  uint64_t batches = 0, tombstones = 0, bytes = 0, duplicates = 0, refused = 0, quarantined = 0,
           forks = 0, gaps = 0, lost_places = 0, ahead = 0;
};

LogAppender::LogAppender(IngestStats& stats) : stats_(stats) {}
LogAppender::~LogAppender() = default;

absl::Status LogAppender::Begin(Database& db) {
  cursors_.clear();
  touched_.clear();
  head_ = 0;
  counts_ = std::make_unique<Counts>();
  if (sql_.empty()) {
    std::vector<Statement> prepared;
    for (std::string_view text : kSql) {
      CANDOR_ASSIGN_OR_RETURN(Statement statement, db.Prepare(text));
      prepared.push_back(std::move(statement));
    }
    sql_ = std::move(prepared);
  }
  CANDOR_RETURN_IF_ERROR(sql_[kLastId].Step().status());
  next_id_ = sql_[kLastId].Int(0) + 1;
  sql_[kLastId].Reset();
  CANDOR_ASSIGN_OR_RETURN(const bool sealed, sql_[kSealedThrough].Step());
  sealed_through_day_ = sealed ? sql_[kSealedThrough].Int(0) : kNoDaySealed;
  sql_[kSealedThrough].Reset();
  return absl::OkStatus();
}

absl::StatusOr<LogAppender::Cursor*> LogAppender::Load(int64_t device, uint64_t epoch) {
  auto [it, added] = cursors_.try_emplace({device, epoch});
  Cursor& cursor = it->second;
  if (!added) return &cursor;
  sql_[kLoadCursor].BindAll(device, epoch);
  CANDOR_ASSIGN_OR_RETURN(cursor.found, sql_[kLoadCursor].Step());
  if (cursor.found) {
    cursor.seq = static_cast<uint64_t>(sql_[kLoadCursor].Int(0));
    cursor.chain_hash = sql_[kLoadCursor].BlobAt(1);
    cursor.opened_ms = sql_[kLoadCursor].Int(2);
  }
  sql_[kLoadCursor].Reset();
  sql_[kForked].BindAll(device, epoch);
  CANDOR_ASSIGN_OR_RETURN(cursor.forked, sql_[kForked].Step());
  sql_[kForked].Reset();
  if (cursor.forked) {
    CANDOR_ASSIGN_OR_RETURN(cursor.settled, Settled(it->first));
  }
  return &cursor;
}

absl::StatusOr<bool> LogAppender::Settled(const Key& epoch) {
  auto [since, added] = forked_since_ms_.try_emplace(epoch);
  if (added) {
    sql_[kForkedSince].BindAll(epoch.first, epoch.second);
    CANDOR_RETURN_IF_ERROR(sql_[kForkedSince].Step().status());
    since->second = sql_[kForkedSince].Int(0);
    sql_[kForkedSince].Reset();
  }
  sql_[kEnrolledAnew].BindAll(epoch.first, since->second);
  CANDOR_ASSIGN_OR_RETURN(const bool settled, sql_[kEnrolledAnew].Step());
  sql_[kEnrolledAnew].Reset();
  return settled;
}

absl::StatusOr<EpochPlace> LogAppender::Open(const EpochHello& hello) {
  CANDOR_ASSIGN_OR_RETURN(Cursor * cursor, Load(hello.device, hello.epoch));
  Touch(hello.device, hello.received_ms, &hello.agent_version);
  EpochPlace place;
  place.forked = cursor->forked;
  if (!cursor->found) {
    cursor->found = true;
    cursor->opened_ms = hello.received_ms;
    cursor->dirty = true;
  }
  if (!cursor->forked && hello.first_held > cursor->seq + 1) {
    place.lost_places = hello.first_held - 1 - cursor->seq;
    CANDOR_RETURN_IF_ERROR(RecordGap(hello, *cursor));
  }
  const bool older_copy = cursor->seq > hello.last_sealed;
  place.next_seq = older_copy && !cursor->forked ? cursor->seq + 1 : hello.first_held;
  const bool holds_nothing = hello.first_held > hello.last_sealed;
  if (cursor->settled && holds_nothing) place.next_seq = kBeyondEverySeq;
  return place;
}

absl::Status LogAppender::RecordGap(const EpochHello& hello, Cursor& cursor) {
  const uint64_t last = hello.first_held - 1;
  sql_[kInsertLog].BindAll(
      next_id_, hello.device, hello.epoch, cursor.seq + 1, last, static_cast<int>(LogKind::kGap),
      Statement::Blob{}, hello.received_ms, hello.skew_ms, sealed_through_day_,
      absl::StrCat("the laptop holds nothing before ", hello.first_held), std::nullopt);
  CANDOR_RETURN_IF_ERROR(sql_[kInsertLog].Run());
  head_ = next_id_++;
  ++counts_->gaps;
  counts_->lost_places += last - cursor.seq;
  cursor.seq = last;
  cursor.chain_hash.clear();
  cursor.dirty = true;
  return absl::OkStatus();
}

absl::StatusOr<BatchAnswer> LogAppender::Append(const Arrival& arrival) {
  CANDOR_ASSIGN_OR_RETURN(Cursor * cursor, Load(arrival.device, arrival.epoch));
  if (!cursor->found) {
    return absl::FailedPreconditionError("batch of an epoch that was never opened");
  }
  Touch(arrival.device, arrival.received_ms, nullptr);
  if (cursor->forked) return Quarantine(arrival, *cursor, "epoch has forked");
  if (arrival.seq > cursor->seq + 1) {
    ++counts_->ahead;
    BatchAnswer answer;
    answer.verdict = Verdict::kAhead;
    answer.seq = arrival.seq;
    answer.expected = cursor->seq + 1;
    return answer;
  }
  if (arrival.seq == cursor->seq + 1) return AppendNext(arrival, *cursor);
  if (arrival.seq_last > cursor->seq) return AppendOverlapping(arrival, *cursor);
  return CompareDuplicate(arrival, *cursor);
}

absl::StatusOr<BatchAnswer> LogAppender::AppendNext(const Arrival& arrival, Cursor& cursor) {
  const bool compare = arrival.kind != LogKind::kRefused && !cursor.chain_hash.empty();
  if (compare && arrival.predecessor != cursor.chain_hash) {
    return Quarantine(arrival, cursor, "its predecessor is not the batch stored before it");
  }
  return StoreFrom(arrival.seq, arrival, cursor);
}

absl::StatusOr<BatchAnswer> LogAppender::AppendOverlapping(const Arrival& arrival, Cursor& cursor) {
  CANDOR_ASSIGN_OR_RETURN(const std::optional<Row> before, Covering(arrival, arrival.seq - 1));
  if (before && before->seq_last == arrival.seq - 1 && !before->chain_hash.empty() &&
      before->chain_hash != arrival.predecessor) {
    return Quarantine(arrival, cursor, "its predecessor is not the batch stored before it");
  }
  return StoreFrom(cursor.seq + 1, arrival, cursor);
}

absl::StatusOr<BatchAnswer> LogAppender::CompareDuplicate(const Arrival& arrival, Cursor& cursor) {
  ++counts_->duplicates;
  if (arrival.kind == LogKind::kRefused) {
    return RefusedAnswer(arrival, RefusalText(arrival.refusal, arrival.detail));
  }
  CANDOR_ASSIGN_OR_RETURN(const std::optional<Row> row, Covering(arrival, arrival.seq_last));
  if (!row) return Acknowledged(arrival, Verdict::kDuplicate);
  switch (row->kind) {
    case LogKind::kRefused:
      if (row->hash == arrival.hash) return RefusedAnswer(arrival, row->detail);
      return Quarantine(arrival, cursor, "its place holds another batch, which was refused");
    case LogKind::kGap:
      return Quarantine(arrival, cursor, "its place was reported lost");
    case LogKind::kBatch:
    case LogKind::kTombstone:
      break;
  }
  // Inside a tombstone only the last place can be compared.
  if (row->seq_last == arrival.seq_last && row->chain_hash != arrival.chain_hash) {
    return Quarantine(arrival, cursor, "its place holds another batch");
  }
  return Acknowledged(arrival, Verdict::kDuplicate);
}

absl::StatusOr<std::optional<LogAppender::Row>> LogAppender::Covering(const Arrival& arrival,
                                                                      uint64_t seq) {
  Statement& sql = sql_[kCovering];
  sql.BindAll(arrival.device, arrival.epoch, seq);
  CANDOR_ASSIGN_OR_RETURN(const bool found, sql.Step());
  if (!found) return std::nullopt;
  Row row;
  row.seq_last = static_cast<uint64_t>(sql.Int(0));
  row.kind = static_cast<LogKind>(sql.Int(1));
  row.hash = sql.BlobAt(2);
  row.detail = sql.Text(3);
  if (row.kind == LogKind::kBatch) row.chain_hash = row.hash;
  if (row.kind == LogKind::kTombstone) {
    v1::SealedBatch tombstone;
    CANDOR_RETURN_IF_ERROR(ParseSealed(sql.BlobAt(4), tombstone));
    row.chain_hash = tombstone.tombstone().last_hash();
  }
  sql.Reset();
  if (row.seq_last < seq) return std::nullopt;
  return row;
}

absl::StatusOr<BatchAnswer> LogAppender::StoreFrom(uint64_t seq, const Arrival& arrival,
                                                   Cursor& cursor) {
  const bool refused = arrival.kind == LogKind::kRefused;
  const std::string detail = refused ? RefusalText(arrival.refusal, arrival.detail) : "";
  Statement& sql = sql_[kInsertLog];
  sql.BindAll(next_id_, arrival.device, arrival.epoch, seq, arrival.seq_last,
              static_cast<int>(arrival.kind), Statement::Blob{arrival.hash}, arrival.received_ms,
              arrival.skew_ms, sealed_through_day_, detail, Statement::Blob{arrival.sealed});
  if (refused) sql.BindNull(12);
  CANDOR_RETURN_IF_ERROR(sql.Run());
  head_ = next_id_++;
  cursor.seq = arrival.seq_last;
  cursor.chain_hash = refused ? "" : arrival.chain_hash;
  cursor.dirty = true;
  if (refused) {
    ++counts_->refused;
    LogWarning("batch refused",
               {{"device", arrival.device}, {"seq", arrival.seq}, {"reason", detail}});
    return RefusedAnswer(arrival, detail);
  }
  ++counts_->batches;
  counts_->tombstones += arrival.kind == LogKind::kTombstone ? 1 : 0;
  counts_->bytes += arrival.sealed.size();
  return Acknowledged(arrival, Verdict::kStored);
}

absl::StatusOr<BatchAnswer> LogAppender::Quarantine(const Arrival& arrival, Cursor& cursor,
                                                    std::string_view reason) {
  if (arrival.kind == LogKind::kRefused) {
    ++counts_->refused;
    return RefusedAnswer(arrival, RefusalText(arrival.refusal, arrival.detail));
  }
  if (!cursor.forked) {
    cursor.forked = true;
    ++counts_->forks;
    LogWarning(
        "an epoch has forked: two laptops with one identity, or a restored disk; its "
        "batches are kept in quarantine until one of them enrols anew",
        {{"device", arrival.device}, {"seq", arrival.seq}, {"why", reason}});
  }
  sql_[kQuarantine].BindAll(arrival.device, arrival.epoch, arrival.seq,
                            Statement::Blob{arrival.hash}, arrival.received_ms, reason,
                            Statement::Blob{arrival.sealed});
  CANDOR_RETURN_IF_ERROR(sql_[kQuarantine].Run());
  ++counts_->quarantined;
  BatchAnswer answer = Acknowledged(arrival, Verdict::kQuarantined);
  answer.settled = cursor.settled;
  return answer;
}

void LogAppender::Touch(int64_t device, int64_t received_ms, const std::string* agent_version) {
  Seen& seen = seen_[device];
  seen.latest_ms = std::max(seen.latest_ms, received_ms);
  if (agent_version != nullptr && *agent_version != seen.agent_version) {
    seen.agent_version = *agent_version;
    seen.version_changed = true;
  }
  touched_.push_back(device);
}

absl::Status LogAppender::WriteSeen() {
  for (int64_t device : touched_) {
    Seen& seen = seen_[device];
    const bool due = seen.latest_ms - seen.written_ms >= kSeenGranularityMs;
    if (!due && !seen.version_changed) continue;
    sql_[kSeen].BindAll(seen.latest_ms, seen.agent_version, device);
    CANDOR_RETURN_IF_ERROR(sql_[kSeen].Run());
    seen.written_ms = seen.latest_ms;
    seen.version_changed = false;
  }
  touched_.clear();
  return absl::OkStatus();
}

absl::Status LogAppender::End() {
  for (auto& [key, cursor] : cursors_) {
    if (!cursor.dirty) continue;
    sql_[kSaveCursor].BindAll(key.first, key.second, cursor.seq, Statement::Blob{cursor.chain_hash},
                              cursor.opened_ms);
    CANDOR_RETURN_IF_ERROR(sql_[kSaveCursor].Run());
    cursor.dirty = false;
  }
  return WriteSeen();
}

absl::Status LogAppender::Alone(Database& db, const std::function<absl::Status()>& item) {
  CANDOR_RETURN_IF_ERROR(db.Execute("SAVEPOINT item"));
  const Counts counts = *counts_;
  const int64_t next_id = next_id_;
  const int64_t head = head_;
  absl::Status status = item();
  if (status.ok()) status = End();
  if (!status.ok()) {
    if (db.in_transaction()) CANDOR_RETURN_IF_ERROR(db.Execute("ROLLBACK TO item; RELEASE item"));
    Undone();
    *counts_ = counts;
    next_id_ = next_id;
    head_ = head;
    return status;
  }
  return db.Execute("RELEASE item");
}

// What is remembered of rows may be of what was undone: it is read again.
void LogAppender::Undone() {
  cursors_.clear();
  touched_.clear();
  seen_.clear();
  forked_since_ms_.clear();
}

void LogAppender::Committed() {
  stats_.batches += counts_->batches;
  stats_.tombstones += counts_->tombstones;
  stats_.bytes += counts_->bytes;
  stats_.duplicates += counts_->duplicates;
  stats_.refused += counts_->refused;
  stats_.quarantined += counts_->quarantined;
  stats_.forks += counts_->forks;
  stats_.gaps += counts_->gaps;
  stats_.lost_places += counts_->lost_places;
  stats_.ahead += counts_->ahead;
  cursors_.clear();
}

void LogAppender::ItemFailed() { ++stats_.item_failures; }

void LogAppender::Abandoned() {
  ++stats_.commit_failures;
  Undone();
}

}  // namespace candor
