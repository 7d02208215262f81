// Tables as people and programs read them.
//
//   table  aligned text: units in the headings, scores with one decimal and a colour, series as
//          little bars; on a terminal the columns that matter least go when it is narrow
//   json   one document {"schema":"candor/1","generated_at":…,"rows":[…]} of the first table, with
//          "tables" for the further ones; full precision, times as RFC 3339, days as dates
//   csv    RFC 4180 with a header line, one table
//
// Pure functions of their arguments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/query/table.h"

namespace candor {

enum class Format { kTable, kJson, kCsv };

struct RenderOptions {
  Format format = Format::kTable;
  size_t width = 0;  // columns of the terminal; 0: as wide as it takes
  bool colour = false;
  int64_t now_ms = 0;  // generated_at; "2 h ago" counts from here
  std::string table;   // only this one; empty: all (csv: the first)
};

// Ends with a line end. InvalidArgument for an unknown options.table names those there are.
absl::StatusOr<std::string> Render(const std::vector<Table>& tables, const RenderOptions& options);

// The parts, for Render and tests.
std::string RenderAsTable(const Table& table, const RenderOptions& options);
std::string RenderAsJson(const std::vector<const Table*>& tables, int64_t now_ms);
std::string RenderAsCsv(const Table& table);

}  // namespace candor
