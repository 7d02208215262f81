#include "agent/daemon/output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/time_text.h"

namespace candor {
namespace {

std::string FormatNumber(double value) {
  if (std::floor(value) == value && std::abs(value) < 1e15) {
    return std::to_string(static_cast<int64_t>(value));
  }
  std::array<char, 64> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 std::chars_format::fixed, 3);
  std::string text(digits.data(), end.ptr);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

std::string FormatCell(const nlohmann::ordered_json& row, const std::string& key) {
  const auto at = row.find(key);
  if (at == row.end() || at->is_null()) return {};
  if (at->is_number_float()) return FormatNumber(at->get<double>());
  if (!at->is_string()) return at->dump();
  std::string text = at->get<std::string>();
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

// Columns on a screen: every byte that does not continue a UTF-8 character.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

void AppendCell(const std::string& cell, size_t width, bool right, bool last, std::string& line) {
  const std::string padding(width - std::min(width, Width(cell)), ' ');
  if (right) line += padding;
  line += cell;
  if (!right && !last) line += padding;
  if (!last) line += "  ";
}

}  // namespace

std::string FormatTable(const std::vector<OutputColumn>& columns,
                        const std::vector<nlohmann::ordered_json>& rows) {
  std::vector<std::vector<std::string>> cells(1);
  for (const OutputColumn& column : columns) cells[0].push_back(column.title);
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (const OutputColumn& column : columns) line.push_back(FormatCell(row, column.key));
  }
  std::vector<size_t> widths(columns.size(), 0);
  for (const auto& line : cells) {
    for (size_t i = 0; i < columns.size(); ++i) widths[i] = std::max(widths[i], Width(line[i]));
  }
  std::string text;
  for (const auto& line : cells) {
    for (size_t i = 0; i < columns.size(); ++i) {
      AppendCell(line[i], widths[i], columns[i].right, i + 1 == columns.size(), text);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

std::string FormatJson(const std::vector<nlohmann::ordered_json>& rows, int64_t now_wall_ms) {
  nlohmann::ordered_json document;
  document["schema"] = "candor/1";
  document["generated_at"] = FormatTime(now_wall_ms);
  document["rows"] = rows;
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace candor
