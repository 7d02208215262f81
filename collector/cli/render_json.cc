#include <cmath>
#include <nlohmann/json.hpp>

#include "collector/cli/render.h"
#include "common/time_text.h"

namespace candor {
namespace {

// Keeps the columns in the table's order.
using Json = nlohmann::ordered_json;

Json NumberJson(double number) { return std::isfinite(number) ? Json(number) : Json(nullptr); }

struct CellJson {
  ColumnType type;
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(const std::string& text) const { return text; }
  Json operator()(double number) const { return NumberJson(number); }
  Json operator()(bool boolean) const { return boolean; }
  Json operator()(int64_t integer) const {
    if (type == ColumnType::kTime) return FormatTime(integer);
    if (type == ColumnType::kDay) return FormatDay(integer);
    return integer;
  }
  Json operator()(const Series& series) const {
    Json values = Json::array();
    for (const double value : series) values.push_back(NumberJson(value));
    return values;
  }
};

Json RowsJson(const Table& table) {
  Json rows = Json::array();
  for (const Row& row : table.rows) {
    Json object = Json::object();
    for (size_t i = 0; i < table.columns.size(); ++i) {
      object[table.columns[i].name] = std::visit(CellJson{table.columns[i].type}, row[i]);
    }
    rows.push_back(std::move(object));
  }
  return rows;
}

}  // namespace

std::string RenderAsJson(const std::vector<const Table*>& tables, int64_t now_ms) {
  Json document = {{"schema", "candor/1"}, {"generated_at", FormatTime(now_ms)}};
  document["rows"] = tables.empty() ? Json::array() : RowsJson(*tables.front());
  for (size_t i = 1; i < tables.size(); ++i) {
    document["tables"][tables[i]->name] = RowsJson(*tables[i]);
  }
  if (!tables.empty() && !tables.front()->notes.empty()) {
    document["notes"] = tables.front()->notes;
  }
  // Text that is not UTF-8 must not break the document.
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace candor
