#include "collector/query/sql_gate.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "collector/query/run_limit.h"
#include "collector/query/sql_tables.h"
#include "collector/query/sql_virtual_table.h"
#include "collector/query/table_wire.h"
#include "collector/query/text.h"
#include "common/hash.h"
#include "common/status.h"
#include "common/tls/labels.h"

namespace candor {
namespace {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementPtr = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// Functions without effects and without a way out of the statement.
constexpr auto kFunctions = std::to_array<std::string_view>({
    "abs",       "avg",       "ceil",         "ceiling",    "char",         "coalesce",    "count",
    "cume_dist", "date",      "datetime",     "dense_rank", "exp",          "first_value", "floor",
    "format",    "glob",      "group_concat", "hex",        "ifnull",       "iif",         "instr",
    "julianday", "lag",       "last_value",   "lead",       "length",       "like",        "ln",
    "log",       "log10",     "log2",         "lower",      "ltrim",        "max",         "min",
    "mod",       "nth_value", "ntile",        "nullif",     "percent_rank", "pow",         "power",
    "printf",    "quote",     "rank",         "replace",    "round",        "row_number",  "rtrim",
    "sign",      "sqrt",      "strftime",     "substr",     "substring",    "sum",         "time",
    "total",     "trim",      "typeof",       "unicode",    "unixepoch",    "upper",
});

bool IsKnownFunction(const char* name) {
  return name != nullptr &&
         std::any_of(kFunctions.begin(), kFunctions.end(),
                     [&](std::string_view known) { return EqualsIgnoreCase(known, name); });
}

// A statement's own WITH name, of which no column is read, comes like a table. The tables that
// SQLite brings along are none of those.
bool MayBeOwnName(const char* name, const char* column) {
  if (name == nullptr || column == nullptr || *column != '\0') return false;
  constexpr auto kBuiltIn = std::to_array<std::string_view>(
      {"sqlite_", "pragma_", "json_", "dbstat", "bytecode", "tables_used", "fts", "rtree"});
  const std::string_view text(name);
  return std::none_of(kBuiltIn.begin(), kBuiltIn.end(), [&](std::string_view prefix) {
    return EqualsIgnoreCase(text.substr(0, prefix.size()), prefix);
  });
}

// Reading documented tables, known functions and recursion; nothing else, by whatever name.
int Authorize(void*, int action, const char* first, const char* second, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      // Without a column nothing is read: count(*), of a common table expression too.
      if (second != nullptr && *second == '\0') return SQLITE_OK;
      return (first != nullptr && FindSqlTable(first) != nullptr) || MayBeOwnName(first, second)
                 ? SQLITE_OK
                 : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return IsKnownFunction(second) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

int OnProgress(void* check) {
  return (*static_cast<std::function<absl::Status()>*>(check))().ok() ? 0 : 1;
}

void SetLimits(sqlite3* db) {
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, SqlLimits::kValueBytesMax);
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, SqlLimits::kStatementBytesMax);
  sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 200);
  sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 200);
  sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 50);
  sqlite3_limit(db, SQLITE_LIMIT_FUNCTION_ARG, 20);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256);
  sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, 0);
  sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 0);
  sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
}

// True when nothing but white space, semicolons and comments is left.
bool IsBlank(std::string_view rest) {
  while (!rest.empty()) {
    if (rest.starts_with("--")) {
      const size_t end = rest.find('\n');
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    } else if (rest.starts_with("/*")) {
      const size_t end = rest.find("*/", 2);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
    } else if (std::string_view(" \t\r\n;").find(rest.front()) != std::string_view::npos) {
      rest.remove_prefix(1);
    } else {
      return false;
    }
  }
  return true;
}

absl::Status SqlError(sqlite3* db) {
  std::string message = sqlite3_errmsg(db);
  if (sqlite3_errcode(db) == SQLITE_AUTH) {
    message = Concat(message,
                     ": only reading the documented tables is possible ('candor sql' "
                     "without a statement lists them)");
  }
  if (const int at = sqlite3_error_offset(db); at >= 0) {
    message = Concat("at character ", at + 1, ": ", message);
  }
  return absl::InvalidArgumentError(Concat("SQL: ", message));
}

Cell CellAt(sqlite3_stmt* row, int column) {
  switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(row, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(row, column);
    case SQLITE_NULL:
      return std::monostate{};
    default: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(row, column));
      const auto size = static_cast<size_t>(sqlite3_column_bytes(row, column));
      const std::string_view text(bytes == nullptr ? "" : bytes, size);
      // What is no text comes as SQL writes it.
      const bool is_text = sqlite3_column_type(row, column) == SQLITE_TEXT && IsUtf8(text);
      return is_text ? std::string(text) : Concat("x'", ToHex(text), "'");
    }
  }
}

// Names as the statement gave them, made unique; types by what came.
void AddColumns(sqlite3_stmt* statement, Table& table) {
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    const char* given = sqlite3_column_name(statement, i);
    std::string name = given == nullptr ? "" : given;
    for (int times = 2; table.Find(name); ++times) {
      name = Concat(given == nullptr ? "" : given, "_", times);
    }
    table.columns.push_back(TextColumn(name, name));
  }
}

ColumnType TypeOf(const Table& table, size_t column) {
  bool any = false;
  bool number = false;
  for (const Row& row : table.rows) {
    if (std::holds_alternative<std::string>(row[column])) return ColumnType::kText;
    any = any || !IsEmpty(row[column]);
    number = number || std::holds_alternative<double>(row[column]);
  }
  if (!any) return ColumnType::kText;
  return number ? ColumnType::kNumber : ColumnType::kInteger;
}

size_t SizeOf(const Row& row) {
  size_t size = row.size() * sizeof(Cell);
  for (const Cell& cell : row) size += TextIn(cell).size();
  return size;
}

}  // namespace

SqlGate::SqlGate(sqlite3* db, Database& store, std::function<absl::Status()> check)
    : db_(db), store_(store), check_(std::move(check)) {}

SqlGate::~SqlGate() { sqlite3_close_v2(db_); }

absl::StatusOr<std::unique_ptr<SqlGate>> SqlGate::Open(Database& store,
                                                       std::function<absl::Status()> check) {
  sqlite3* db = nullptr;
  const int result = sqlite3_open_v2(
      ":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_PRIVATECACHE,
      nullptr);
  std::unique_ptr<SqlGate> gate(new SqlGate(db, store, std::move(check)));
  if (result != SQLITE_OK) return absl::InternalError("cannot open a database in memory");
  CANDOR_RETURN_IF_ERROR(gate->Prepare());
  return gate;
}

absl::Status SqlGate::Prepare() {
  CANDOR_RETURN_IF_ERROR(RegisterTableFunctions(store_));
  for (const SqlTable& table : SqlTables()) {
    CANDOR_RETURN_IF_ERROR(AddVirtualTable(db_, table, store_));
    // Declares its columns now: later the authorizer would see a CREATE TABLE.
    const std::string touch = Concat("SELECT 1 FROM ", table.name, " LIMIT 0");
    if (sqlite3_exec(db_, touch.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      return absl::InternalError(Concat("SQL: ", sqlite3_errmsg(db_)));
    }
  }
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  SetLimits(db_);
  sqlite3_progress_handler(db_, RunLimit::kOperationsBetweenChecks, &OnProgress, &check_);
  sqlite3_set_authorizer(db_, &Authorize, nullptr);
  return absl::OkStatus();
}

absl::StatusOr<Table> SqlGate::Run(std::string_view statement, size_t rows_max) {
  if (statement.size() > static_cast<size_t>(SqlLimits::kStatementBytesMax)) {
    return absl::InvalidArgumentError(
        Concat("SQL: longer than ", SqlLimits::kStatementBytesMax, " bytes"));
  }
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  if (sqlite3_prepare_v2(db_, statement.data(), static_cast<int>(statement.size()), &raw, &rest) !=
      SQLITE_OK) {
    return SqlError(db_);
  }
  const StatementPtr prepared(raw);
  if (raw == nullptr) return absl::InvalidArgumentError("SQL: no statement");
  if (!IsBlank({rest, statement.data() + statement.size()})) {
    return absl::InvalidArgumentError("SQL: one statement at a time");
  }
  if (sqlite3_stmt_readonly(raw) == 0 || sqlite3_stmt_isexplain(raw) != 0 ||
      sqlite3_column_count(raw) == 0) {
    return absl::InvalidArgumentError("SQL: only SELECT is possible");
  }
  Table table;
  table.name = "sql";
  AddColumns(raw, table);
  size_t bytes = 0;
  int result = SQLITE_DONE;
  while ((result = sqlite3_step(raw)) == SQLITE_ROW) {
    if (table.rows.size() == std::min(rows_max, SqlLimits::kRowsMax)) {
      table.notes.push_back(Concat("only the first ", table.rows.size(), " rows"));
      result = SQLITE_DONE;
      break;
    }
    Row& row = table.rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(raw); ++i) row.push_back(CellAt(raw, i));
    const size_t row_bytes = SizeOf(row);
    if (row_bytes > kRowBytesMax) {
      return absl::ResourceExhaustedError(
          Concat("SQL: a row is larger than ", kRowBytesMax >> 20, " MiB"));
    }
    bytes += row_bytes;
    if (bytes > SqlLimits::kResultBytesMax) {
      return absl::ResourceExhaustedError(
          Concat("SQL: the result is larger than ", SqlLimits::kResultBytesMax >> 20, " MiB"));
    }
  }
  if (result != SQLITE_DONE) {
    CANDOR_RETURN_IF_ERROR(check_());
    return SqlError(db_);
  }
  for (size_t i = 0; i < table.columns.size(); ++i) table.columns[i].type = TypeOf(table, i);
  return table;
}

}  // namespace candor
