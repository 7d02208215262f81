// The rules by which the log grows. Everything here happens inside one transaction of the
// committer:
//
//   Begin, then any number of Open and Append, then End; after the commit, Committed or Abandoned.
//   Where one of them fails, the caller rolls back to before Begin, says so with Undone and begins
//   anew, with each Open and Append inside a call of Alone.
//
// Rules, for a batch that takes the places seq … last in an epoch whose cursor stands at `stored`:
//   seq = stored + 1   its predecessor must be the cursor's chain hash (any, where the chain starts
//                      anew: after a gap or a refusal); stored, the cursor moves to `last`
//   last <= stored     a duplicate: compared with what the log holds there, as far as it still does
//   seq <= stored < last   a tombstone over places that arrived meanwhile: stored from stored + 1
//   seq > stored + 1   ahead: not stored, answered with the place expected
// A predecessor or duplicate that differs is a fork: two laptops with one identity, or a restored
// disk. From then on every batch of that epoch goes to quarantine and is acknowledged; the fork is
// the presence of rows in `quarantine`. It is settled when one of the two enrols anew, under its
// host name: whoever goes on under the old identity is then one laptop and is told to begin a new
// epoch, once everything it holds of the old one is in quarantine. So nothing is lost on the way,
// and what comes after is folded again.
//
// A refused batch keeps its place with hash and reason. Its bytes may be damaged, so the next batch
// is not compared with it.
//
// Belongs to the committer's thread. An error leaves the transaction to be rolled back by the
// caller.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/ingest/arrival.h"
#include "collector/ingest/stats.h"
#include "common/sqlite.h"

namespace candor {

class LogAppender {
 public:
  // How old the stored device.last_seen_ms may get before it is written again.
  static constexpr int64_t kSeenGranularityMs = 30'000;

  explicit LogAppender(IngestStats& stats);
  ~LogAppender();
  LogAppender(const LogAppender&) = delete;
  LogAppender& operator=(const LogAppender&) = delete;

  absl::Status Begin(Database& db);

  // A stream begins. Records a gap where the laptop no longer holds what comes next, and creates
  // the cursor of a new epoch. `next_seq` is the first place the laptop holds, also where some of
  // these are stored already (their acknowledgement was lost): sent again, they are compared, so
  // that a fork is found before anything is deleted. It is beyond last_sealed + 1 only where the
  // laptop's spool is an older copy, or where a settled fork has nothing more to send.
  absl::StatusOr<EpochPlace> Open(const EpochHello& hello);

  // FailedPrecondition when the epoch was never opened.
  absl::StatusOr<BatchAnswer> Append(const Arrival& arrival);

  // Writes cursors and last_seen.
  absl::Status End();

  // Runs `item`, one Open or Append, and writes what it changed; its failure undoes nothing else.
  // After an error that ended the transaction itself (a full disk, failed input or output) SQLite
  // is in no transaction any more.
  absl::Status Alone(Database& db, const std::function<absl::Status()>& item);

  // Counts what was committed.
  void Committed();
  void Abandoned();
  // The transaction goes on without what was done since Begin.
  void Undone();
  // Counts an item that could not be stored while the rest of its group was.
  void ItemFailed();

  // log.id of the last row written; 0 when none was.
  int64_t head() const { return head_; }

 private:
  struct Cursor {
    bool found = false;
    uint64_t seq = 0;
    std::string chain_hash;
    int64_t opened_ms = 0;
    bool forked = false;
    bool settled = false;  // the fork
    bool dirty = false;
  };
  struct Row {
    uint64_t seq_last = 0;
    LogKind kind = LogKind::kBatch;
    std::string hash;
    std::string detail;
    std::string chain_hash;  // empty where it cannot be known
  };
  struct Counts;
  using Key = std::pair<int64_t, uint64_t>;

  absl::StatusOr<Cursor*> Load(int64_t device, uint64_t epoch);
  // Whether a forked epoch's fork is.
  absl::StatusOr<bool> Settled(const Key& epoch);
  // The log's row that covers a place; nothing when it is pruned.
  absl::StatusOr<std::optional<Row>> Covering(const Arrival& arrival, uint64_t seq);
  absl::StatusOr<BatchAnswer> AppendNext(const Arrival& arrival, Cursor& cursor);
  absl::StatusOr<BatchAnswer> AppendOverlapping(const Arrival& arrival, Cursor& cursor);
  absl::StatusOr<BatchAnswer> CompareDuplicate(const Arrival& arrival, Cursor& cursor);
  absl::StatusOr<BatchAnswer> StoreFrom(uint64_t seq, const Arrival& arrival, Cursor& cursor);
  absl::StatusOr<BatchAnswer> Quarantine(const Arrival& arrival, Cursor& cursor,
                                         std::string_view reason);
  absl::Status RecordGap(const EpochHello& hello, Cursor& cursor);
  absl::Status WriteSeen();
  void Touch(int64_t device, int64_t received_ms, const std::string* agent_version);

  IngestStats& stats_;
  std::vector<Statement> sql_;
  std::unique_ptr<Counts> counts_;
  std::map<Key, Cursor> cursors_;
  std::map<Key, int64_t> forked_since_ms_;  // so that long quarantines are read once
  int64_t next_id_ = 1;
  int64_t head_ = 0;
  int64_t sealed_through_day_ = 0;

  struct Seen {
    int64_t written_ms = 0;
    int64_t latest_ms = 0;
    std::string agent_version;
    bool version_changed = false;
  };
  std::map<int64_t, Seen> seen_;
  std::vector<int64_t> touched_;
};

}  // namespace candor
