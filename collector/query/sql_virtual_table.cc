#include "collector/query/sql_virtual_table.h"

#include <sqlite3.h>

#include <memory>
#include <string>

#include "collector/query/text.h"

namespace candor {
namespace {

// What a module is registered with; owned by SQLite.
struct TableView {
  const SqlTable& table;
  Database& store;
};

// SQLite's own structures stand first, so that its pointers are ours (sqlite3.h, "Virtual Table
// Instance Object").
struct ViewTable {
  sqlite3_vtab base{};
  const TableView* view = nullptr;
};

struct ViewCursor {
  sqlite3_vtab_cursor base{};
  sqlite3_stmt* rows = nullptr;
  bool at_end = true;
  int64_t row_id = 0;
  ~ViewCursor() { sqlite3_finalize(rows); }
};

void SetError(sqlite3_vtab* table, const char* message) {
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s", message);
}

int Connect(sqlite3* db, void* aux, int, const char* const*, sqlite3_vtab** out, char**) {
  const auto* view = static_cast<const TableView*>(aux);
  std::string declaration = "CREATE TABLE x(";
  for (const SqlColumn& column : view->table.columns) {
    declaration +=
        Concat(&column == view->table.columns.data() ? "" : ", ", column.name, " ", column.type);
  }
  declaration += ")";
  if (const int result = sqlite3_declare_vtab(db, declaration.c_str()); result != SQLITE_OK) {
    return result;
  }
  auto table = std::make_unique<ViewTable>();
  table->view = view;
  *out = &table.release()->base;
  return SQLITE_OK;
}

int Disconnect(sqlite3_vtab* table) {
  const std::unique_ptr<ViewTable> owned(reinterpret_cast<ViewTable*>(table));
  return SQLITE_OK;
}

const char* OperatorOf(unsigned char op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      return "=";
    case SQLITE_INDEX_CONSTRAINT_GT:
      return ">";
    case SQLITE_INDEX_CONSTRAINT_GE:
      return ">=";
    case SQLITE_INDEX_CONSTRAINT_LT:
      return "<";
    case SQLITE_INDEX_CONSTRAINT_LE:
      return "<=";
    default:
      return nullptr;
  }
}

// The statement that a scan with these constraints runs; arguments are numbered in its order.
int BestIndex(sqlite3_vtab* base, sqlite3_index_info* info) {
  const SqlTable& table = reinterpret_cast<ViewTable*>(base)->view->table;
  std::string select = "SELECT ";
  constexpr size_t kMaskBits = 63;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const bool used = i >= kMaskBits || (info->colUsed >> i & 1) != 0;
    select += Concat(i == 0 ? "" : ", ", used ? table.columns[i].name : "NULL");
  }
  select += Concat(" FROM (", table.select, ")");
  double cost = 1e7;
  int arguments = 0;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    const char* op = OperatorOf(constraint.op);
    if (constraint.usable == 0 || op == nullptr || constraint.iColumn < 0) continue;
    select += Concat(arguments == 0 ? " WHERE " : " AND ",
                     table.columns[static_cast<size_t>(constraint.iColumn)].name, " ", op, " ?");
    info->aConstraintUsage[i].argvIndex = ++arguments;
    cost /= constraint.op == SQLITE_INDEX_CONSTRAINT_EQ ? 1000 : 3;
  }
  info->estimatedCost = cost < 1 ? 1 : cost;
  info->estimatedRows = static_cast<sqlite3_int64>(info->estimatedCost);
  info->idxStr = sqlite3_mprintf("%s", select.c_str());
  info->needToFreeIdxStr = 1;
  return info->idxStr == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int OpenCursor(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = &std::make_unique<ViewCursor>().release()->base;
  return SQLITE_OK;
}

int CloseCursor(sqlite3_vtab_cursor* cursor) {
  const std::unique_ptr<ViewCursor> owned(reinterpret_cast<ViewCursor*>(cursor));
  return SQLITE_OK;
}

int Next(sqlite3_vtab_cursor* base) {
  auto* cursor = reinterpret_cast<ViewCursor*>(base);
  const int result = sqlite3_step(cursor->rows);
  ++cursor->row_id;
  cursor->at_end = result != SQLITE_ROW;
  if (result == SQLITE_ROW || result == SQLITE_DONE) return SQLITE_OK;
  SetError(base->pVtab, sqlite3_errmsg(sqlite3_db_handle(cursor->rows)));
  return result;
}

int StartScan(sqlite3_vtab_cursor* base, int, const char* select, int count,
              sqlite3_value** values) {
  auto* cursor = reinterpret_cast<ViewCursor*>(base);
  sqlite3* store = reinterpret_cast<ViewTable*>(base->pVtab)->view->store.handle();
  sqlite3_finalize(cursor->rows);
  cursor->rows = nullptr;
  cursor->row_id = 0;
  if (const int result = sqlite3_prepare_v2(store, select, -1, &cursor->rows, nullptr);
      result != SQLITE_OK) {
    SetError(base->pVtab, sqlite3_errmsg(store));
    return result;
  }
  for (int i = 0; i < count; ++i) sqlite3_bind_value(cursor->rows, i + 1, values[i]);
  return Next(base);
}

int AtEnd(sqlite3_vtab_cursor* cursor) {
  return reinterpret_cast<ViewCursor*>(cursor)->at_end ? 1 : 0;
}

int ColumnAt(sqlite3_vtab_cursor* base, sqlite3_context* context, int column) {
  auto* cursor = reinterpret_cast<ViewCursor*>(base);
  sqlite3_result_value(context, sqlite3_column_value(cursor->rows, column));
  return SQLITE_OK;
}

int RowId(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
  *out = reinterpret_cast<ViewCursor*>(cursor)->row_id;
  return SQLITE_OK;
}

// Without xCreate: the table is there by its name and can neither be made nor dropped.
sqlite3_module MakeModule() {
  sqlite3_module module{};
  module.iVersion = 1;
  module.xConnect = &Connect;
  module.xBestIndex = &BestIndex;
  module.xDisconnect = &Disconnect;
  module.xOpen = &OpenCursor;
  module.xClose = &CloseCursor;
  module.xFilter = &StartScan;
  module.xNext = &Next;
  module.xEof = &AtEnd;
  module.xColumn = &ColumnAt;
  module.xRowid = &RowId;
  return module;
}

}  // namespace

absl::Status AddVirtualTable(sqlite3* db, const SqlTable& table, Database& store) {
  static const sqlite3_module module = MakeModule();
  auto view = std::make_unique<TableView>(TableView{table, store});
  const std::string name(table.name);
  // SQLite owns the view from here, whatever the result.
  if (sqlite3_create_module_v2(db, name.c_str(), &module, view.release(), [](void* aux) {
        const std::unique_ptr<TableView> owned(static_cast<TableView*>(aux));
      }) != SQLITE_OK) {
    return absl::InternalError(Concat("SQLite does not take the table ", name));
  }
  return absl::OkStatus();
}

}  // namespace candor
