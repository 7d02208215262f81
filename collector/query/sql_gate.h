// SQL from outside, on a database of its own: an empty one in memory whose only tables are the
// documented ones (sql_tables.h), each a virtual table that reads the store through a connection
// that the statement cannot name. So what is not documented is not hidden but absent. Besides, an
// authorizer lets through nothing but reading, one statement is run, and lengths, depth, time and
// rows are limited.
//
// One thread. Errors are InvalidArgument with SQLite's own words.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "collector/query/table.h"
#include "common/sqlite.h"

struct sqlite3;

namespace candor {

struct SqlLimits {
  static constexpr int kStatementBytesMax = 16 << 10;
  static constexpr int kValueBytesMax = 1 << 20;
  static constexpr size_t kResultBytesMax = 64 << 20;
  static constexpr size_t kRowsMax = 100'000;
};

class SqlGate {
 public:
  // `store` is a read-only connection, which must outlive the gate. `check` is asked now and then
  // while a statement runs; an error ends it.
  static absl::StatusOr<std::unique_ptr<SqlGate>> Open(Database& store,
                                                       std::function<absl::Status()> check);
  ~SqlGate();
  SqlGate(const SqlGate&) = delete;
  SqlGate& operator=(const SqlGate&) = delete;

  // Keeps at most `rows_max` rows and says so in a note where there were more.
  absl::StatusOr<Table> Run(std::string_view statement, size_t rows_max);

 private:
  SqlGate(sqlite3* db, Database& store, std::function<absl::Status()> check);
  absl::Status Prepare();

  sqlite3* db_;
  Database& store_;
  std::function<absl::Status()> check_;
};

}  // namespace candor
