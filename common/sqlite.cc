#include "common/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "common/status.h"

namespace candor {
namespace {

constexpr int kBusyTimeoutMs = 5'000;

absl::StatusCode CodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
      return absl::StatusCode::kDataLoss;
    case SQLITE_NOTADB:
      return absl::StatusCode::kFailedPrecondition;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kUnavailable;
    case SQLITE_INTERRUPT:
      return absl::StatusCode::kCancelled;
    case SQLITE_CONSTRAINT:
      return absl::StatusCode::kAlreadyExists;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_CANTOPEN:
      return absl::StatusCode::kNotFound;
    case SQLITE_TOOBIG:
      return absl::StatusCode::kOutOfRange;
    case SQLITE_ERROR:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status ErrorOf(sqlite3* db, int code) {
  std::string message = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  return absl::Status(CodeOf(code), message);
}

int OpenFlags(Database::Mode mode) {
  switch (mode) {
    case Database::Mode::kCreate:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case Database::Mode::kReadWrite:
      return SQLITE_OPEN_READWRITE;
    case Database::Mode::kReadOnly:
      return SQLITE_OPEN_READONLY;
  }
  return SQLITE_OPEN_READONLY;
}

}  // namespace

// Statement ---------------------------------------------------------------------------------------

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_), stmt_(std::exchange(other.stmt_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(db_, other.db_);
  std::swap(stmt_, other.stmt_);
  return *this;
}

Statement::~Statement() { sqlite3_finalize(stmt_); }

Statement& Statement::Bind(int index, int64_t value) {
  sqlite3_bind_int64(stmt_, index, value);
  return *this;
}

Statement& Statement::Bind(int index, double value) {
  sqlite3_bind_double(stmt_, index, value);
  return *this;
}

Statement& Statement::BindText(int index, std::string_view text) {
  sqlite3_bind_text64(stmt_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBlob(int index, std::string_view bytes) {
  // A null pointer would bind NULL.
  sqlite3_bind_blob64(stmt_, index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::BindNull(int index) {
  sqlite3_bind_null(stmt_, index);
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  absl::Status status = code == SQLITE_DONE ? absl::OkStatus() : ErrorOf(db_, code);
  sqlite3_reset(stmt_);
  if (!status.ok()) return status;
  return false;
}

absl::Status Statement::Run() {
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

void Statement::Reset() {
  sqlite3_reset(stmt_);
  sqlite3_clear_bindings(stmt_);
}

int Statement::columns() const { return sqlite3_column_count(stmt_); }
std::string_view Statement::column_name(int column) const {
  return sqlite3_column_name(stmt_, column);
}
bool Statement::IsNull(int column) const { return Type(column) == SQLITE_NULL; }
int64_t Statement::Int(int column) const { return sqlite3_column_int64(stmt_, column); }
double Statement::Real(int column) const { return sqlite3_column_double(stmt_, column); }
int Statement::Type(int column) const { return sqlite3_column_type(stmt_, column); }
bool Statement::read_only() const { return sqlite3_stmt_readonly(stmt_) != 0; }

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

std::string_view Statement::BlobAt(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(stmt_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(stmt_, column))};
}

// Database ----------------------------------------------------------------------------------------

absl::StatusOr<Database> Database::Open(const std::string& path, const Options& options) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, OpenFlags(options.mode) | SQLITE_OPEN_NOMUTEX,
                      options.vfs.empty() ? nullptr : options.vfs.c_str());
  Database db(raw, path);
  if (code != SQLITE_OK) return Prefix(ErrorOf(raw, code), path);
  sqlite3_extended_result_codes(raw, 1);
  // SQLite falls back to reading where it may not write.
  if (options.mode != Mode::kReadOnly && sqlite3_db_readonly(raw, "main") == 1) {
    return absl::PermissionDeniedError(path + " cannot be written");
  }
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  std::string setup;
  if (options.mode != Mode::kReadOnly) {
    // Before the WAL is first looked at.
    if (options.exclusive) setup += "PRAGMA locking_mode=EXCLUSIVE;";
    setup += "PRAGMA page_size=" + std::to_string(options.page_bytes) + ";";
    if (options.incremental_vacuum) setup += "PRAGMA auto_vacuum=INCREMENTAL;";
    setup += "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;";
    setup += "PRAGMA wal_autocheckpoint=" +
             std::to_string(options.checkpoints ? options.wal_pages_max : 0) + ";";
  } else {
    setup = "PRAGMA query_only=1;";
  }
  setup += "PRAGMA cache_size=-" + std::to_string(options.cache_kib) +
           ";PRAGMA foreign_keys=OFF;PRAGMA temp_store=MEMORY;";
  CANDOR_RETURN_IF_ERROR(Prefix(db.Execute(setup), path));
  return db;
}

Database::Database(Database&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), path_(std::move(other.path_)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(db_, other.db_);
  std::swap(path_, other.path_);
  return *this;
}

Database::~Database() { sqlite3_close_v2(db_); }

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* stmt = nullptr;
  const int code =
      sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &stmt, nullptr);
  if (code != SQLITE_OK) return ErrorOf(db_, code);
  if (stmt == nullptr) return absl::InvalidArgumentError("empty SQL statement");
  return Statement(db_, stmt);
}

absl::Status Database::Execute(std::string_view sql) {
  const int code = sqlite3_exec(db_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(db_, code);
}

absl::StatusOr<int64_t> Database::QueryInt(std::string_view sql) {
  CANDOR_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  CANDOR_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::NotFoundError("no row");
  return statement.Int(0);
}

absl::StatusOr<std::string> Database::QueryText(std::string_view sql) {
  CANDOR_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  CANDOR_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::NotFoundError("no row");
  return std::string(statement.Text(0));
}

int64_t Database::last_insert_rowid() const { return sqlite3_last_insert_rowid(db_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

int64_t Database::changes() const { return sqlite3_changes64(db_); }

absl::Status Database::Migrate(const std::vector<std::string_view>& migrations) {
  CANDOR_ASSIGN_OR_RETURN(const int64_t version, QueryInt("PRAGMA user_version"));
  const auto newest = static_cast<int64_t>(migrations.size());
  if (version > newest) {
    return absl::FailedPreconditionError(path_ + ": written by a newer version of Candor (schema " +
                                         std::to_string(version) + ", this one knows " +
                                         std::to_string(newest) + ")");
  }
  for (int64_t step = version; step < newest; ++step) {
    CANDOR_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*this));
    CANDOR_RETURN_IF_ERROR(Prefix(Execute(migrations[static_cast<size_t>(step)]),
                                  path_ + ": migration " + std::to_string(step + 1)));
    CANDOR_RETURN_IF_ERROR(Execute("PRAGMA user_version=" + std::to_string(step + 1)));
    CANDOR_RETURN_IF_ERROR(transaction.Commit());
  }
  return absl::OkStatus();
}

absl::Status Database::Checkpoint() {
  const int code =
      sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(db_, code);
}

absl::Status Database::CheckIntegrity() {
  CANDOR_ASSIGN_OR_RETURN(const std::string result, QueryText("PRAGMA integrity_check(1)"));
  if (result == "ok") return absl::OkStatus();
  return absl::DataLossError(path_ + ": " + result);
}

void Database::Interrupt() { sqlite3_interrupt(db_); }

// Transaction -------------------------------------------------------------------------------------

absl::StatusOr<Transaction> Transaction::Begin(Database& db) {
  CANDOR_RETURN_IF_ERROR(db.Execute("BEGIN IMMEDIATE"));
  return Transaction(db);
}

Transaction::Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Transaction::~Transaction() {
  // A failed COMMIT or a full disk may have rolled back already.
  if (db_ != nullptr && db_->in_transaction()) {
    static_cast<void>(db_->Execute("ROLLBACK"));
  }
}

absl::Status Transaction::Commit() {
  CANDOR_RETURN_IF_ERROR(db_->Execute("COMMIT"));
  db_ = nullptr;
  return absl::OkStatus();
}

}  // namespace candor
