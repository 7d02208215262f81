#include "tests/fault/spool_contents.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/sqlite.h"
#include "common/status.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {
namespace {

absl::Status ReadMeta(Database& db, SpoolContents& spool) {
  CANDOR_ASSIGN_OR_RETURN(const int64_t epoch,
                          db.QueryInt("SELECT value FROM meta WHERE name = 'epoch'"));
  CANDOR_ASSIGN_OR_RETURN(const int64_t last,
                          db.QueryInt("SELECT value FROM meta WHERE name = 'last_sealed'"));
  spool.epoch = static_cast<uint64_t>(epoch);
  spool.last_sealed = static_cast<uint64_t>(last);
  CANDOR_ASSIGN_OR_RETURN(Statement cursors, db.Prepare("SELECT name, value FROM cursor"));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool found, cursors.Step());
    if (!found) return absl::OkStatus();
    spool.cursors[std::string(cursors.Text(0))] = cursors.BlobAt(1);
  }
}

absl::Status ReadBatches(Database& db, SpoolContents& spool) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db.Prepare("SELECT epoch, seq, class, state, refused, bytes FROM batch "
                                     "JOIN sealed USING(id) ORDER BY id"));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) return absl::OkStatus();
    SpoolContents::Batch& batch = spool.batches.emplace_back();
    batch.epoch = static_cast<uint64_t>(select.Int(0));
    batch.seq = static_cast<uint64_t>(select.Int(1));
    batch.tombstone = select.Int(2) == 0;
    batch.state = static_cast<BatchState>(select.Int(3));
    batch.refused = select.Text(4);
    batch.sealed = select.BlobAt(5);
  }
}

absl::Status ReadPending(Database& db, SpoolContents& spool) {
  CANDOR_ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT contents FROM pending ORDER BY id"));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) return absl::OkStatus();
    spool.pending.emplace_back(select.BlobAt(0));
  }
}

absl::StatusOr<SpoolContents> Read(Database& db) {
  SpoolContents spool;
  // One view of all tables, whatever the agent does meanwhile.
  CANDOR_RETURN_IF_ERROR(db.Execute("BEGIN"));
  CANDOR_RETURN_IF_ERROR(ReadMeta(db, spool));
  CANDOR_RETURN_IF_ERROR(ReadBatches(db, spool));
  CANDOR_RETURN_IF_ERROR(ReadPending(db, spool));
  CANDOR_RETURN_IF_ERROR(db.Execute("COMMIT"));
  return spool;
}

// Stops a process for as long as it lives. What the process was writing is then as after a kill.
class StandStill {
 public:
  explicit StandStill(pid_t pid) : pid_(pid) {
    if (kill(pid_, SIGSTOP) != 0) return;
    while (StateOf(pid_) != 'T' && StateOf(pid_) != 'Z') usleep(1'000);
  }
  ~StandStill() { kill(pid_, SIGCONT); }
  StandStill(const StandStill&) = delete;
  StandStill& operator=(const StandStill&) = delete;

 private:
  static char StateOf(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string id, name;
    char state = 'Z';
    stat >> id >> name >> state;
    return state;
  }
  const pid_t pid_;
};

}  // namespace

uint64_t SpoolContents::Held() const {
  return static_cast<uint64_t>(
      std::count_if(batches.begin(), batches.end(),
                    [](const Batch& batch) { return batch.state < BatchState::kAcknowledged; }));
}

absl::StatusOr<SpoolContents> ReadKilledSpool(const std::string& path) {
  const TempFolder scratch;
  const std::string copy = scratch.File("spool.db");
  for (const char* part : {"", "-wal"}) {
    if (!std::filesystem::exists(path + part)) continue;
    std::error_code error;
    std::filesystem::copy_file(path + part, copy + part, error);
    if (error) return absl::InternalError(path + part + ": " + error.message());
  }
  Database::Options options;
  options.mode = Database::Mode::kReadWrite;
  CANDOR_ASSIGN_OR_RETURN(Database db, Database::Open(copy, options));
  CANDOR_RETURN_IF_ERROR(db.CheckIntegrity());
  return Read(db);
}

absl::StatusOr<SpoolContents> ReadLiveSpool(pid_t agent, const std::string& path) {
  const StandStill still(agent);
  return ReadKilledSpool(path);
}

}  // namespace candor::testing
