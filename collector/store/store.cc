#include "collector/store/store.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "collector/store/schema.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr int kPageBytes = 16'384;  // a sealed batch is a few KiB: fewer overflow pages
constexpr int kWriterCacheKiB = 64 << 10;
constexpr int kReaderCacheKiB = 16 << 10;
constexpr int kWalPagesMax = 2'000;  // 32 MiB between checkpoints

std::string DatabasePath(const std::string& folder) { return folder + "/candor.db"; }

absl::Status RequireFolder(const std::string& folder) {
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat(folder,
                                            " is not there; make a data folder with "
                                            "'candor-collector init --data ",
                                            folder, "'"));
  }
  if (!S_ISDIR(info.st_mode)) {
    return absl::NotFoundError(absl::StrCat(folder, " is not a folder"));
  }
  return absl::OkStatus();
}

absl::StatusOr<FileLock> TakeLock(const std::string& folder) {
  absl::StatusOr<FileLock> lock = FileLock::Acquire(folder + "/lock");
  if (absl::IsUnavailable(lock.status())) {
    return absl::UnavailableError(
        absl::StrCat("another candor-collector uses ", folder, ": ", lock.status().message()));
  }
  return lock;
}

}  // namespace

Store::Store(std::string folder, FileLock lock, Database write)
    : folder_(std::move(folder)), lock_(std::move(lock)), write_(std::move(write)) {}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& folder) {
  CANDOR_RETURN_IF_ERROR(RequireFolder(folder));
  CANDOR_ASSIGN_OR_RETURN(FileLock lock, TakeLock(folder));
  Database::Options options;
  options.mode = Database::Mode::kCreate;
  options.page_bytes = kPageBytes;
  options.cache_kib = kWriterCacheKiB;
  options.wal_pages_max = kWalPagesMax;
  CANDOR_ASSIGN_OR_RETURN(Database db, Database::Open(DatabasePath(folder), options));
  // Undoing one request of a group needs a journal of its own; it never has to survive anything.
  CANDOR_RETURN_IF_ERROR(db.Execute("PRAGMA temp_store = MEMORY"));
  CANDOR_RETURN_IF_ERROR(db.Migrate(StoreMigrations()));
  return std::unique_ptr<Store>(new Store(folder, std::move(lock), std::move(db)));
}

absl::StatusOr<Database> Store::OpenReader() const {
  Database::Options options;
  options.mode = Database::Mode::kReadOnly;
  options.cache_kib = kReaderCacheKiB;
  options.checkpoints = false;
  return Database::Open(database_path(), options);
}

std::string Store::database_path() const { return DatabasePath(folder_); }

}  // namespace candor
