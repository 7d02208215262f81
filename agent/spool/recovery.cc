// How the spool comes to a usable database and to its epoch, whatever it finds.
#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/spool/cutter.h"
#include "agent/spool/internal.h"
#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "common/files.h"
#include "common/log.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

constexpr int kFolderMode = 0700;
constexpr int kCacheKib = 256;
// A minute of measurements is smaller than this, and each page that a commit touches is written
// whole: with small pages the agent writes half as much to the laptop's disk.
constexpr int kPageBytes = 1'024;
// The write-ahead log is written back after so many pages. It must find room beside the database on
// a disk that is nearly full, and pages that wait in it cannot be given back to the disk.
constexpr int kWalPagesMax = 256;
constexpr size_t kDamagedKept = 2;

// The disk, not the file: measuring goes on in memory until it takes writes again.
bool MayPass(const absl::Status& status) {
  return status.code() == absl::StatusCode::kResourceExhausted ||
         status.code() == absl::StatusCode::kInternal;
}

// Set-aside files hold measurements too: only the newest few are kept.
void PruneDamaged(const fs::path& path) {
  const std::string prefix = path.filename().string() + ".damaged-";
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && !name.ends_with("-wal")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  for (size_t i = 0; i + kDamagedKept < found.size(); ++i) {
    fs::remove(found[i], error);
    fs::remove(found[i].string() + "-wal", error);
  }
}

std::string FreeName(const std::string& path, int64_t wall_ms) {
  std::string stamp = FormatTime(wall_ms - wall_ms % 1000);
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  const std::string base = absl::StrCat(path, ".damaged-", stamp);
  std::string name = base;
  std::error_code error;
  for (int i = 2; fs::exists(name, error) && i < 100; ++i) name = absl::StrCat(base, "-", i);
  return name;
}

// SQLite's errors name the file, and a path can name a person: no notice ever holds one.
std::string WithoutPath(const absl::Status& cause, const std::string& path) {
  return absl::StrReplaceAll(cause.message(),
                             {{path + ": ", ""}, {path, fs::path(path).filename().string()}});
}

// A spool of a newer version holds measurements that this one cannot read but must not lose.
absl::Status CheckSchema(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(const int64_t version, db.QueryInt("PRAGMA user_version"));
  const auto newest = static_cast<int64_t>(SpoolMigrations().size());
  if (version <= newest) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(
      db.path(), ": written by a newer version of Candor (schema ", version, ", this one knows ",
      newest, "): run that version again, or move the file away to start with an empty spool"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(SpoolOptions options, const Clock& clock,
                                                   Random& random) {
  CANDOR_RETURN_IF_ERROR(MakeFolder(fs::path(options.path).parent_path().string(), kFolderMode));
  std::unique_ptr<Spool> spool(new Spool(std::move(options), clock, random));
  const absl::Status status = spool->OpenOrSetAside();
  if (!status.ok() && !MayPass(status)) return status;
  return spool;
}

absl::Status Spool::OpenOrSetAside() {
  absl::Status status = OpenDatabase();
  if (!IsDamage(status)) return status;
  CANDOR_RETURN_IF_ERROR(SetAside(status));
  status = OpenDatabase();
  if (!status.ok()) db_.reset();
  return status;
}

absl::Status Spool::OpenDatabase() {
  Database::Options options;
  options.page_bytes = kPageBytes;
  options.cache_kib = kCacheKib;
  options.wal_pages_max = kWalPagesMax;
  options.incremental_vacuum = true;
  options.exclusive = true;
  options.vfs = options_.vfs;
  auto opened = Database::Open(options_.path, options);
  CANDOR_RETURN_IF_ERROR(opened.status());
  db_ = std::move(*opened);
  absl::Status status = CheckSchema(*db_);
  if (status.ok()) status = db_->Migrate(SpoolMigrations());
  if (status.ok()) status = LoadState();
  if (status.ok()) status = CheckEpoch();
  if (!status.ok()) db_.reset();
  return status;
}

absl::Status Spool::SetAside(const absl::Status& cause) {
  db_.reset();
  const std::string name = FreeName(options_.path, clock_.WallMs());
  std::error_code error;
  fs::rename(options_.path, name, error);
  if (error) {
    return absl::InternalError(absl::StrCat(options_.path, ": damaged (", cause.message(),
                                            ") and cannot be set aside: ", error.message()));
  }
  std::error_code ignored;
  fs::rename(options_.path + "-wal", name + "-wal", ignored);
  fs::remove(options_.path + "-shm", ignored);
  PruneDamaged(options_.path);
  set_aside_notice_ = absl::StrCat("the spool was damaged (", WithoutPath(cause, options_.path),
                                   ") and set aside as ", fs::path(name).filename().string());
  LogError("the spool was damaged and is set aside: what it held will not be sent",
           {{"file", name}, {"error", MessageOf(cause)}});
  state_ = State();
  // The fresh database must know how far the sources were told.
  for (const auto& [cursor, value] : cursors_) unsaved_cursors_.try_emplace(cursor, value);
  return absl::OkStatus();
}

absl::Status Spool::LoadState() {
  State state;
  CANDOR_ASSIGN_OR_RETURN(Statement meta, db_->Prepare("SELECT name, value FROM meta"));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, meta.Step());
    if (!row) break;
    const std::string_view name = meta.Text(0);
    if (name == "epoch") state.epoch = static_cast<uint64_t>(meta.Int(1));
    if (name == "last_sealed") state.last_sealed = static_cast<uint64_t>(meta.Int(1));
    if (name == "last_chain") state.last_chain = meta.BlobAt(1);
    if (name == "dropped_batches") state.dropped_batches = static_cast<uint64_t>(meta.Int(1));
    if (name == "believed_wall_ms" && age_guard_.believed_wall_ms() == 0) {
      age_guard_ = AgeGuard(meta.Int(1));
    }
  }
  CANDOR_ASSIGN_OR_RETURN(
      Statement sums,
      db_->Prepare("SELECT TOTAL((state < 3) * size), TOTAL(state < 3), TOTAL((state = 3) * size) "
                   "FROM batch"));
  CANDOR_RETURN_IF_ERROR(sums.Step().status());
  state.held_bytes = static_cast<uint64_t>(sums.Int(0));
  state.held_batches = static_cast<uint64_t>(sums.Int(1));
  state.ledger_bytes = static_cast<uint64_t>(sums.Int(2));
  CANDOR_ASSIGN_OR_RETURN(
      Statement pending,
      db_->Prepare("SELECT COUNT(*), TOTAL(LENGTH(contents)), IFNULL(MAX(id), 0) FROM pending"));
  CANDOR_RETURN_IF_ERROR(pending.Step().status());
  state.pending = static_cast<uint64_t>(pending.Int(0));
  state.pending_bytes = static_cast<uint64_t>(pending.Int(1));
  // Only the first look tells what an earlier run left.
  if (state_.epoch == 0) pending_floor_ = pending.Int(2);

  CANDOR_ASSIGN_OR_RETURN(Statement cursors, db_->Prepare("SELECT name, value FROM cursor"));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, cursors.Step());
    if (!row) break;
    if (!unsaved_cursors_.contains(std::string(cursors.Text(0)))) {
      cursors_[std::string(cursors.Text(0))] = cursors.BlobAt(1);
    }
  }
  state_ = std::move(state);
  return absl::OkStatus();
}

absl::Status Spool::CheckEpoch() {
  if (state_.epoch == 0) {
    const std::string text = std::exchange(set_aside_notice_, {});
    return BeginEpoch(Keep::kThisRun, text.empty() ? "" : "spool_set_aside", text);
  }
  // Only two ids that are there can differ: one that is missing, now or when the spool was made
  // (early in a first boot, say), tells nothing about the disk.
  if (options_.machine_id.empty()) return absl::OkStatus();
  auto known = db_->QueryText("SELECT value FROM meta WHERE name = 'machine_id'");
  if (absl::IsNotFound(known.status())) known = std::string();
  CANDOR_RETURN_IF_ERROR(known.status());
  if (known->empty()) return SetMeta("machine_id", options_.machine_id);
  if (*known == options_.machine_id) return absl::OkStatus();
  return BeginEpoch(Keep::kNothing, "machine_id_changed",
                    "the machine id changed: this disk was copied from another machine");
}

absl::Status Spool::BeginEpoch(Keep keep, std::string_view code, std::string_view text) {
  CANDOR_ASSIGN_OR_RETURN(Step step, Step::Begin(*this));
  Tally dropped;
  CANDOR_ASSIGN_OR_RETURN(auto kept, LeaveEpoch(keep, dropped));
  do {
    state_.epoch = random_.Next64();
  } while (state_.epoch == 0);
  state_.last_sealed = 0;
  state_.last_chain.clear();
  CANDOR_RETURN_IF_ERROR(SetMeta("epoch", static_cast<int64_t>(state_.epoch)));
  CANDOR_RETURN_IF_ERROR(SetMeta("last_sealed", int64_t{0}));
  CANDOR_RETURN_IF_ERROR(SetMeta("last_chain", std::string_view()));
  if (!options_.machine_id.empty()) {
    CANDOR_RETURN_IF_ERROR(SetMeta("machine_id", options_.machine_id));
  }
  for (const auto& [contents, batch_class] : kept) {
    CANDOR_RETURN_IF_ERROR(InsertBatch(contents, batch_class, run_));
  }
  // A source is not told again because the file that knew its position is gone. Positions whose
  // measurements still wait in memory are saved with those.
  if (keep == Keep::kThisRun && backlog_.empty()) CANDOR_RETURN_IF_ERROR(SaveCursors());
  if (!code.empty()) {
    const std::string told =
        dropped.empty()
            ? std::string(text)
            : absl::StrCat(std::string(text), "; left to the other copy: ", dropped.Text());
    CANDOR_RETURN_IF_ERROR(InsertNotice(code, told));
  }
  CANDOR_RETURN_IF_ERROR(step.Commit());
  if (keep == Keep::kNothing) cursors_.clear();
  pending_floor_ = 0;
  return LoadState();
}

absl::StatusOr<std::vector<std::pair<v1::Contents, BatchClass>>> Spool::LeaveEpoch(Keep keep,
                                                                                   Tally& dropped) {
  std::vector<std::pair<v1::Contents, BatchClass>> kept;
  CANDOR_ASSIGN_OR_RETURN(
      Statement held, db_->Prepare("SELECT run, bytes FROM batch JOIN sealed USING(id) WHERE state "
                                   "< 3 ORDER BY seq"));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, held.Step());
    if (!row) break;
    v1::SealedBatch batch;
    v1::Contents contents;
    if (!ParseSealed(held.BlobAt(1), batch).ok()) continue;
    if (batch.has_tombstone()) {
      dropped.Add(batch.tombstone());
    } else if (ParseContents(batch, contents).ok()) {
      if (keep == Keep::kThisRun && held.Int(0) == run_) {
        kept.emplace_back(std::move(contents), static_cast<BatchClass>(batch.batch_class()));
      } else {
        dropped.Add(contents);
      }
    }
  }
  CANDOR_ASSIGN_OR_RETURN(Statement pending,
                          db_->Prepare("SELECT contents FROM pending WHERE id <= ?"));
  const int64_t floor = keep == Keep::kThisRun ? pending_floor_ : INT64_MAX;
  pending.BindAll(floor);
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, pending.Step());
    if (!row) break;
    v1::Contents contents;
    if (contents.ParseFromString(std::string(pending.BlobAt(0)))) dropped.Add(contents);
  }
  CANDOR_ASSIGN_OR_RETURN(Statement erase, db_->Prepare("DELETE FROM pending WHERE id <= ?"));
  CANDOR_RETURN_IF_ERROR(erase.BindAll(floor).Run());
  CANDOR_RETURN_IF_ERROR(db_->Execute(
      "DELETE FROM sealed WHERE id IN (SELECT id FROM batch WHERE state = 1);"
      "DELETE FROM batch WHERE state = 1;"
      "UPDATE batch SET state = 3, refused = 'sent in an epoch that ended' WHERE state = 2;"));
  if (keep == Keep::kNothing) CANDOR_RETURN_IF_ERROR(db_->Execute("DELETE FROM cursor"));
  return kept;
}

absl::Status Spool::InsertNotice(std::string_view code, std::string_view text) {
  Harvest harvest;
  auto& recorded = harvest.events.emplace_back();
  recorded.boot_id = options_.boot_id;
  recorded.event.set_wall_ms(clock_.WallMs());
  recorded.event.set_boottime_ms(clock_.BoottimeMs());
  recorded.event.set_utc_offset_min(clock_.UtcOffsetMin(recorded.event.wall_ms()));
  recorded.event.mutable_agent_notice()->set_code(std::string(code));
  recorded.event.mutable_agent_notice()->set_text(std::string(text));
  CANDOR_ASSIGN_OR_RETURN(Statement insert,
                          db_->Prepare("INSERT INTO pending(contents) VALUES(?)"));
  for (const std::string& contents : EncodeHarvest(harvest)) {
    CANDOR_RETURN_IF_ERROR(insert.BindAll(Statement::Blob{contents}).Run());
    ++state_.pending;
    state_.pending_bytes += contents.size();
  }
  return absl::OkStatus();
}

absl::Status Spool::SetMeta(std::string_view name, int64_t value) {
  CANDOR_ASSIGN_OR_RETURN(Statement set,
                          db_->Prepare("INSERT INTO meta VALUES(?, ?) ON CONFLICT("
                                       "name) DO UPDATE SET value = excluded.value"));
  return set.BindAll(name, value).Run();
}

absl::Status Spool::SetMeta(std::string_view name, std::string_view value) {
  CANDOR_ASSIGN_OR_RETURN(Statement set,
                          db_->Prepare("INSERT INTO meta VALUES(?, ?) ON CONFLICT("
                                       "name) DO UPDATE SET value = excluded.value"));
  return set.BindAll(name, Statement::Blob{value}).Run();
}

}  // namespace candor
