// The tables that `candor sql` reaches, each documented and each a SELECT over the store. Devices
// have ids and no host names; there are no people, no hours, no times of day, and nothing that
// tells how long anybody worked: what would, beside another column, is rounded (coarse.h).
#pragma once

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "common/sqlite.h"

namespace candor {

struct SqlColumn {
  std::string_view name;
  std::string_view type;  // TEXT, INTEGER or REAL
  std::string_view about;
};

struct SqlTable {
  std::string_view name;
  std::string_view about;
  std::span<const SqlColumn> columns;
  // Gives these columns, in this order, under these names.
  std::string_view select;
};

std::span<const SqlTable> SqlTables();
// Null when there is none.
const SqlTable* FindSqlTable(std::string_view name);

// Makes the functions that these SELECTs read events and round with known to a connection to the
// store.
absl::Status RegisterTableFunctions(Database& db);

}  // namespace candor
