// The durable, bounded queue between measuring and sending: one class, one SQLite database, one
// connection, one thread.
//
// What is measured moves through these states, each step one transaction:
//
//   Add          harvest (a minute, its events, its sources' cursors)  -> pending
//   Seal         pending      -> sealed        bytes, seq and predecessor fixed, never cut again
//   Flight::Next sealed       -> sent          handed to the uplink
//   Acknowledge  sent         -> acknowledged  the collector has it; kept as the ledger
//   (limits)     sealed, sent -> tombstone     same seq; neighbours merge; counts by kind
//   (ledger)     acknowledged -> daily digest
//
// The sequence of an epoch has no holes: what a limit drops leaves a tombstone in its place. A new
// epoch begins with a new database, after a damaged one was set aside, when the machine id changed,
// or when the collector knows more of the epoch than this spool ever sealed (an older copy came
// back). Then what an earlier run had put here counts as delivered by the other copy; only what
// this run measured moves on into the new epoch. Each of these is told in an AgentNotice.
//
// Errors. A full disk: what the write-ahead log holds is written back, which frees its room, and
// the step is tried once more; then Add keeps harvests in memory within `backlog_bytes_max` and
// gives ResourceExhausted; when space returns they are written, with a notice of what could not be
// kept. A damaged database (any call): it is set aside under a name with the date, a fresh one is
// opened, and the call gives DataLoss; the next call works.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/spool/age_guard.h"
#include "agent/spool/tally.h"
#include "agent/windows/harvest.h"
#include "common/batch.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/registry.h"
#include "common/sqlite.h"
#include "common/time_units.h"

namespace candor {

struct SpoolOptions {
  std::string path;
  // Sealed bytes held for the collector; above, the oldest of the least important class goes.
  uint64_t bytes_max = 256ull << 20;
  int64_t age_max_ms = 30ll * kMsPerDay;
  // Sent bytes kept to be read by the person at the laptop; then daily digests.
  uint64_t ledger_bytes_max = 64ull << 20;
  int64_t ledger_age_max_ms = 30ll * kMsPerDay;
  // Kept in memory while the disk takes nothing.
  size_t backlog_bytes_max = 1 << 20;
  std::string machine_id;  // of /etc/machine-id; empty where there is none
  std::string boot_id;     // 16 raw bytes, for the spool's own notices
  std::string vfs;         // SQLite's; tests name a failing one
};

// Where the spool stands, as Hello tells it.
struct SpoolPosition {
  uint64_t epoch = 0;
  uint64_t first_held = 1;   // last_sealed + 1 when nothing is held
  uint64_t last_sealed = 0;  // 0 when nothing was sealed in this epoch
};

struct SpoolFigures {
  uint64_t held_bytes = 0;
  uint64_t held_batches = 0;
  uint64_t pending = 0;  // harvests not yet sealed, those in memory included
  uint64_t pending_bytes = 0;
  uint64_t ledger_bytes = 0;
  uint64_t dropped_batches = 0;  // since the database was made
  // While the database takes nothing: why, how many harvests wait in memory, and how many it had no
  // room for.
  std::string failure;
  uint64_t in_memory = 0;
  uint64_t lost_harvests = 0;
};

struct HeldBatch {
  uint64_t seq = 0;
  uint64_t seq_last = 0;
  std::string sealed;
};

// A batch that left the laptop, or the digest of a day of them (seq 0).
struct LedgerRow {
  int64_t id = 0;
  uint64_t epoch = 0;
  uint64_t seq = 0;
  int64_t sent_wall_ms = 0;
  int64_t acked_wall_ms = 0;  // 0: not acknowledged
  std::string sealed;         // empty in a digest
  uint64_t size = 0;
  std::string digest;
  std::string refused;
};

class Spool {
 public:
  // `clock` and `random` must outlive the spool. Fails only when the folder cannot be used at all.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(SpoolOptions options, const Clock& clock,
                                                     Random& random);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Makes a harvest durable, cursors in the same transaction. Whatever is returned, the harvest is
  // taken care of and must not be added again.
  absl::Status Add(const Harvest& harvest);
  // The newest position added for a source; empty for none.
  std::string Cursor(std::string_view name) const;

  // Cuts everything pending into batches, then applies the limits.
  absl::Status Seal();

  absl::StatusOr<SpoolPosition> Position();
  SpoolFigures Figures() const;

  // What a Welcome expects next. True: the epoch goes on, and everything before `next_seq` counts
  // as acknowledged. False: this spool was an older copy, a new epoch began. Aborted when `epoch`
  // is not the spool's any more: the push that it belongs to must end.
  absl::StatusOr<bool> Welcome(uint64_t epoch, uint64_t next_seq);

  struct Refusal {
    uint64_t seq = 0;
    std::string reason;
  };
  // Everything up to `through` is the collector's. An acknowledgement for another epoch, or one
  // told before, changes nothing. InvalidArgument when it claims what was never sealed.
  absl::Status Acknowledge(uint64_t epoch, uint64_t through, const std::vector<Refusal>& refused);

  // The batches of one push, in order. While it lives, what it handed out is neither dropped nor
  // merged, so that the collector sees one sequence. At most one at a time; must not outlive the
  // spool.
  class Flight {
   public:
    Flight(Flight&& other) noexcept;
    Flight& operator=(Flight&&) = delete;
    ~Flight();
    // The next batch that is held, nothing when there is no more for now. Aborted when a new epoch
    // began meanwhile.
    absl::StatusOr<std::optional<HeldBatch>> Next();

   private:
    friend class Spool;
    Flight(Spool& spool, uint64_t epoch) : spool_(&spool), epoch_(epoch) {}
    Spool* spool_;
    uint64_t epoch_;
    uint64_t through_ = 0;
  };
  Flight BeginFlight();

  // Sent batches with an id below `before`, newest first: at most `limit`, and of large ones only
  // so many that they come to about kLedgerPageBytes; none only when there are no more. `seq`, if
  // not 0: only those that stand for this place of any epoch.
  static constexpr size_t kLedgerPageBytes = 256 << 10;
  absl::StatusOr<std::vector<LedgerRow>> Ledger(int64_t before, size_t limit, uint64_t seq = 0);
  // Digests of days, newest first.
  absl::StatusOr<std::vector<LedgerRow>> LedgerDigests();

 private:
  struct Row;  // a row of `batch`
  class Step;  // a transaction over database and state_
  // What the database holds, read when it is opened and moved on with each Step.
  struct State {
    uint64_t epoch = 0;
    uint64_t last_sealed = 0;
    std::string last_chain;
    uint64_t held_bytes = 0;
    uint64_t held_batches = 0;
    uint64_t ledger_bytes = 0;
    uint64_t dropped_batches = 0;
    uint64_t pending = 0;
    uint64_t pending_bytes = 0;
  };

  Spool(SpoolOptions options, const Clock& clock, Random& random);

  // Runs `f` on the open database, a second time when the disk was full and room could be made;
  // opens a fresh database before, sets a damaged one aside after. `f` that fails leaves no trace.
  template <typename F>
  auto Guarded(F&& f) -> decltype(f());

  // spool.cc: harvests and batches
  absl::Status FlushBacklog();
  absl::Status SaveCursors();
  absl::Status InsertBacklog();
  absl::Status SealPending();
  absl::Status InsertBatch(const v1::Contents& contents, BatchClass batch_class, int64_t run);
  absl::StatusOr<std::optional<HeldBatch>> NextHeld(uint64_t after);
  absl::Status MarkSent(int64_t id);
  absl::Status AcknowledgeThrough(uint64_t through, const std::vector<Refusal>& refused);
  absl::StatusOr<std::string> SealedBytes(int64_t id);

  // limits.cc: what is dropped, and what stays in its place
  void TrimBacklog();
  void Lose(const std::string& contents);
  absl::Status ApplyLimits();
  absl::StatusOr<bool> LimitsDue(bool believed);
  int64_t OldestKeptMs() const;
  absl::StatusOr<std::optional<Row>> FindRow(std::string_view condition, int64_t first,
                                             int64_t second = 0);
  absl::Status DropFor(int reason, const Row& row);
  absl::StatusOr<std::string> ChainBefore(uint64_t seq);
  absl::Status InsertTombstone(const BatchPlace& place, const v1::Tombstone& tombstone);
  absl::Status RetireRow(const Row& row);

  // ledger.cc
  absl::StatusOr<std::optional<Row>> LedgerRowDue(bool believed);
  absl::Status ExpireLedger(bool believed);
  absl::Status DigestRow(const Row& row);
  absl::Status GiveBackSpace();

  // recovery.cc: opening, epochs, damaged files
  absl::Status OpenDatabase();
  absl::Status OpenOrSetAside();
  absl::Status SetAside(const absl::Status& cause);
  absl::Status LoadState();
  absl::Status CheckEpoch();
  enum class Keep { kThisRun, kNothing };
  absl::Status BeginEpoch(Keep keep, std::string_view code, std::string_view text);
  absl::StatusOr<std::vector<std::pair<v1::Contents, BatchClass>>> LeaveEpoch(Keep keep,
                                                                              Tally& dropped);
  absl::Status InsertNotice(std::string_view code, std::string_view text);
  absl::Status SetMeta(std::string_view name, int64_t value);
  absl::Status SetMeta(std::string_view name, std::string_view value);

  const SpoolOptions options_;
  const Clock& clock_;
  Random& random_;
  const int64_t run_;  // random, not 0; marks what this run of the agent measured

  std::optional<Database> db_;
  std::string set_aside_notice_;  // to be told by the fresh database

  State state_;
  int64_t pending_floor_ = 0;  // pending rows up to this id came from an earlier run
  AgeGuard age_guard_;
  // On the boot clock; nothing before the first time.
  std::optional<int64_t> belief_saved_ms_;
  std::optional<int64_t> ledger_aged_ms_;
  std::map<std::string, std::string, std::less<>> cursors_;

  // Harvests that the database did not take yet, encoded, and the cursors that go with them.
  struct Waiting {
    std::string contents;
    bool has_events = false;
  };
  std::deque<Waiting> backlog_;
  size_t backlog_bytes_ = 0;
  std::map<std::string, std::string> unsaved_cursors_;
  Tally lost_;  // what the backlog could not keep
  uint64_t lost_harvests_ = 0;
  std::string failure_;  // why the database took nothing, the last time; empty where it did

  uint64_t in_flight_through_ = 0;
};

}  // namespace candor
