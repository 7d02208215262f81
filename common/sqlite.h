// A thin wrapper over SQLite: connections, prepared statements, transactions, errors as Status.
//
// A Database and its Statements belong to one thread at a time. Statements must not outlive their
// Database. Busy time-out 5 s. ResourceExhausted: the disk is full. DataLoss: the file is damaged.
// FailedPrecondition: not a database, or from a newer schema. Unavailable: locked by another.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;
struct sqlite3_stmt;

namespace candor {

class Database;

// A prepared statement. Bind, Step until it gives false, Reset (done by BindAll and the
// destructor).
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters count from 1.
  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, double value);
  Statement& BindText(int index, std::string_view text);
  Statement& BindBlob(int index, std::string_view bytes);  // an empty view binds an empty blob
  Statement& BindNull(int index);

  // Resets, then binds its arguments in order: integers, doubles, std::string_view as text,
  // Blob{...} as blob, std::nullopt as NULL.
  struct Blob {
    std::string_view bytes;
  };
  template <typename... Args>
  Statement& BindAll(const Args&... args) {
    Reset();
    int index = 0;
    (BindOne(++index, args), ...);
    return *this;
  }

  // True when there is a row. After false or an error the statement is reset.
  absl::StatusOr<bool> Step();
  // Runs to the end, rows are dropped.
  absl::Status Run();
  void Reset();

  int columns() const;
  std::string_view column_name(int column) const;
  bool IsNull(int column) const;
  int64_t Int(int column) const;
  double Real(int column) const;
  // Valid until the next Step or Reset.
  std::string_view Text(int column) const;
  std::string_view BlobAt(int column) const;
  // SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB or SQLITE_NULL.
  int Type(int column) const;
  bool read_only() const;

 private:
  friend class Database;
  Statement(sqlite3* db, sqlite3_stmt* stmt) : db_(db), stmt_(stmt) {}

  void BindOne(int index, int64_t v) { Bind(index, v); }
  void BindOne(int index, uint64_t v) { Bind(index, static_cast<int64_t>(v)); }
  void BindOne(int index, int v) { Bind(index, int64_t{v}); }
  void BindOne(int index, uint32_t v) { Bind(index, int64_t{v}); }
  void BindOne(int index, bool v) { Bind(index, int64_t{v}); }
  void BindOne(int index, double v) { Bind(index, v); }
  void BindOne(int index, std::string_view v) { BindText(index, v); }
  void BindOne(int index, const std::string& v) { BindText(index, v); }
  void BindOne(int index, const char* v) { BindText(index, v); }
  void BindOne(int index, const Blob& v) { BindBlob(index, v.bytes); }
  void BindOne(int index, std::nullopt_t) { BindNull(index); }
  template <typename T>
  void BindOne(int index, const std::optional<T>& v) {
    if (v) {
      BindOne(index, *v);
    } else {
      BindNull(index);
    }
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* stmt_ = nullptr;
};

class Database {
 public:
  enum class Mode { kCreate, kReadWrite, kReadOnly };
  struct Options {
    Mode mode = Mode::kCreate;
    int page_bytes = 4096;  // only when the file is new
    int cache_kib = 2048;
    bool checkpoints = true;   // false for every connection but the one that writes
    int wal_pages_max = 1000;  // automatic checkpoint, where `checkpoints`
    // Pages can be given back with PRAGMA incremental_vacuum; only when the file is new.
    bool incremental_vacuum = false;
    // This connection locks everybody else out for as long as it is open. The index of the WAL then
    // lies in memory instead of a file that every commit dirties.
    bool exclusive = false;
    std::string vfs;  // empty: SQLite's own; tests name a failing one
  };

  // Opens in WAL mode with synchronous=FULL.
  static absl::StatusOr<Database> Open(const std::string& path, const Options& options);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  absl::StatusOr<Statement> Prepare(std::string_view sql);
  // One or more statements without parameters.
  absl::Status Execute(std::string_view sql);
  // First column of the first row; NotFound when there is no row.
  absl::StatusOr<int64_t> QueryInt(std::string_view sql);
  absl::StatusOr<std::string> QueryText(std::string_view sql);

  int64_t last_insert_rowid() const;
  int64_t changes() const;
  // A full disk and failed input or output end a transaction, not only the statement that met them.
  bool in_transaction() const;

  // Steps of the schema: migrations[i] brings version i to i + 1 (PRAGMA user_version), each in its
  // own transaction. A database newer than the last step is refused with FailedPrecondition.
  absl::Status Migrate(const std::vector<std::string_view>& migrations);

  absl::Status Checkpoint();
  // PRAGMA integrity_check; DataLoss with its first line when not sound.
  absl::Status CheckIntegrity();
  // Ends the running query with Cancelled from another thread.
  void Interrupt();

  sqlite3* handle() const { return db_; }
  const std::string& path() const { return path_; }

 private:
  Database(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_ = nullptr;
  std::string path_;
};

// BEGIN IMMEDIATE at construction; rolled back unless Commit succeeded.
class Transaction {
 public:
  static absl::StatusOr<Transaction> Begin(Database& db);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  absl::Status Commit();

 private:
  explicit Transaction(Database& db) : db_(&db) {}
  Database* db_;
};

}  // namespace candor
