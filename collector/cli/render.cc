#include "collector/cli/render.h"

#include "collector/query/nearest.h"
#include "collector/query/text.h"
#include "common/status.h"

namespace candor {
namespace {

absl::StatusOr<std::vector<const Table*>> Choose(const std::vector<Table>& tables,
                                                 const std::string& name) {
  std::vector<const Table*> chosen;
  std::vector<std::string> names;
  for (const Table& table : tables) {
    names.push_back(table.name);
    if (name.empty() || table.name == name) chosen.push_back(&table);
  }
  if (chosen.empty() && !name.empty()) {
    return absl::InvalidArgumentError(
        Concat("--table: no table '", name, "' (there are ", Join(names, ", "), ")"));
  }
  return chosen;
}

}  // namespace

absl::StatusOr<std::string> Render(const std::vector<Table>& tables, const RenderOptions& options) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<const Table*> chosen, Choose(tables, options.table));
  switch (options.format) {
    case Format::kJson:
      return RenderAsJson(chosen, options.now_ms);
    case Format::kCsv:
      return chosen.empty() ? std::string() : RenderAsCsv(*chosen.front());
    case Format::kTable:
      break;
  }
  std::string out;
  for (const Table* table : chosen) {
    if (!out.empty()) out += '\n';
    out += RenderAsTable(*table, options);
  }
  return out;
}

}  // namespace candor
