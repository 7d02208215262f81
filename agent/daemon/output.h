// Rows for people or for programs: an aligned table, or one JSON document
// {"schema":"candor/1","generated_at":…,"rows":[…]}. Pure functions over values.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace candor {

enum class OutputFormat { kTable, kJson };

struct OutputColumn {
  std::string key;    // of the rows
  std::string title;  // of the table
  bool right = false;
  size_t wrap = 0;  // wider cells go on below, broken at blanks where there are any; 0: never
};

// A table of `columns` over rows that are JSON objects; absent and null cells are blank, numbers
// are shown with at most three decimals. Control characters in cells become blanks.
std::string FormatTable(const std::vector<OutputColumn>& columns,
                        const std::vector<nlohmann::ordered_json>& rows);

std::string FormatJson(const std::vector<nlohmann::ordered_json>& rows, int64_t now_wall_ms);

}  // namespace candor
