#include <cmath>

#include "collector/cli/render.h"
#include "collector/query/text.h"
#include "common/time_text.h"

namespace candor {
namespace {

// RFC 4180: quoted where it holds a comma, a quote or a line end; quotes doubled.
std::string Quoted(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string NumberText(double number) {
  return std::isfinite(number) ? FormatShortest(number) : "";
}

struct CsvText {
  ColumnType type;
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(const std::string& text) const { return Quoted(text); }
  std::string operator()(double number) const { return NumberText(number); }
  std::string operator()(bool boolean) const { return boolean ? "true" : "false"; }
  std::string operator()(int64_t integer) const {
    if (type == ColumnType::kTime) return FormatTime(integer);
    if (type == ColumnType::kDay) return FormatDay(integer);
    return std::to_string(integer);
  }
  // Numbers with spaces between; a day without a value is "-", so that places stay.
  std::string operator()(const Series& series) const {
    std::string out;
    for (size_t i = 0; i < series.size(); ++i) {
      if (i != 0) out += ' ';
      out += std::isfinite(series[i]) ? FormatShortest(series[i]) : "-";
    }
    return out;
  }
};

}  // namespace

std::string RenderAsCsv(const Table& table) {
  std::string out;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    out += Concat(i == 0 ? "" : ",", Quoted(table.columns[i].name));
  }
  out += "\r\n";
  for (const Row& row : table.rows) {
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (i != 0) out += ',';
      out += std::visit(CsvText{table.columns[i].type}, row[i]);
    }
    out += "\r\n";
  }
  return out;
}

}  // namespace candor
