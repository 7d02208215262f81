#include "agent/daemon/output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

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
size_t Width(std::string_view text) {
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

// The bytes of the first `width` characters.
size_t BytesOf(std::string_view text, size_t width) {
  size_t at = 0;
  for (size_t seen = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && seen++ == width) break;
  }
  return at;
}

std::vector<std::string> Wrap(const std::string& cell, size_t width) {
  std::vector<std::string> lines;
  std::string_view rest = cell;
  while (width != 0 && Width(rest) > width) {
    // A blank right behind the last character that fits is as good as one before it.
    const size_t fits = BytesOf(rest, width);
    const size_t blank = rest.rfind(' ', fits);
    const size_t end = blank == std::string_view::npos || blank == 0 ? fits : blank;
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  }
  lines.emplace_back(rest);
  return lines;
}

// The lines that a row takes, each with a cell for every column.
std::vector<std::vector<std::string>> LinesOf(const std::vector<OutputColumn>& columns,
                                              const nlohmann::ordered_json& row) {
  std::vector<std::vector<std::string>> lines(1, std::vector<std::string>(columns.size()));
  for (size_t i = 0; i < columns.size(); ++i) {
    std::vector<std::string> parts = Wrap(FormatCell(row, columns[i].key), columns[i].wrap);
    if (parts.size() > lines.size())
      lines.resize(parts.size(), std::vector<std::string>(columns.size()));
    for (size_t j = 0; j < parts.size(); ++j) lines[j][i] = std::move(parts[j]);
  }
  return lines;
}

}  // namespace

std::string FormatTable(const std::vector<OutputColumn>& columns,
                        const std::vector<nlohmann::ordered_json>& rows) {
  std::vector<std::vector<std::string>> cells(1);
  for (const OutputColumn& column : columns) cells[0].push_back(column.title);
  for (const auto& row : rows) {
    for (auto& line : LinesOf(columns, row)) cells.push_back(std::move(line));
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
