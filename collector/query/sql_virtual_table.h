// A documented table as an SQLite virtual table: a window onto a SELECT over the store. Comparisons
// with its columns, and which columns are wanted at all, are handed on, so that the store's indexes
// serve. For sql_gate.cc.
#pragma once

#include "absl/status/status.h"
#include "collector/query/sql_tables.h"
#include "common/sqlite.h"

struct sqlite3;

namespace candor {

// Makes `table` known to `db`; it reads through `store`. Both must outlive it.
absl::Status AddVirtualTable(sqlite3* db, const SqlTable& table, Database& store);

}  // namespace candor
