// `candor sql 'SELECT …'`: read-only SQL over the documented tables. Without a statement, what
// those are.
#include "collector/query/sql_gate.h"
#include "collector/query/sql_tables.h"
#include "collector/query/view.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kDefaultRows = 10'000;

Table DocumentationTable() {
  Table table;
  table.name = "sql";
  table.title = "Tables for SQL";
  table.columns = {TextColumn("table", "table"), TextColumn("column", "column"),
                   TextColumn("type", "type"), TextColumn("about", "about")};
  for (const SqlTable& documented : SqlTables()) {
    table.rows.push_back({std::string(documented.name), std::string(), std::string(),
                          std::string(documented.about)});
    for (const SqlColumn& column : documented.columns) {
      table.rows.push_back({std::string(documented.name), std::string(column.name),
                            std::string(column.type), std::string(column.about)});
    }
  }
  table.notes = {"days count from 1970-01-01: date(day * 86400, 'unixepoch') gives the date"};
  return table;
}

}  // namespace

Answer AnswerSql(ViewContext& context, const ViewRequest& request) {
  if (request.text.empty()) return std::vector<Table>{DocumentationTable()};
  CANDOR_ASSIGN_OR_RETURN(const auto gate, SqlGate::Open(context.db, [&] {
                            return context.progress("running", 0, 0);
                          }));
  CANDOR_ASSIGN_OR_RETURN(
      Table table, gate->Run(request.text, request.limit == 0 ? kDefaultRows : request.limit));
  return std::vector<Table>{std::move(table)};
}

}  // namespace candor
