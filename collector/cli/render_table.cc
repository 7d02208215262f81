#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>

#include "collector/cli/render.h"
#include "collector/cli/sparkline.h"
#include "collector/cli/text_width.h"
#include "collector/query/text.h"
#include "common/time_text.h"

namespace candor {
namespace {

constexpr double kGoodFrom = 80;
constexpr double kFairFrom = 60;
constexpr size_t kGap = 2;            // spaces between columns
constexpr size_t kTextWidthMin = 12;  // text is not cut shorter
constexpr size_t kNameWidthMin = 32;  // nor what names a row
constexpr size_t kHeadingLines = 2;   // as long as that takes no more than kHeadingWidth
constexpr size_t kHeadingWidth = 11;
constexpr std::string_view kNothing = "–";

enum class Paint { kNone, kBold, kDim, kGood, kFair, kPoor };

std::string Painted(std::string text, Paint paint, bool colour) {
  if (!colour || paint == Paint::kNone || text.empty()) return text;
  const char* code = paint == Paint::kBold   ? "1"
                     : paint == Paint::kDim  ? "2"
                     : paint == Paint::kGood ? "32"
                     : paint == Paint::kFair ? "33"
                                             : "31";
  return Concat("\x1b[", code, "m", text, "\x1b[0m");
}

Paint PaintOf(const Column& column, const Cell& cell) {
  if (IsEmpty(cell)) return Paint::kDim;
  if (column.style == ColumnStyle::kScore) {
    const auto number = NumberIn(cell);
    if (!number) return Paint::kNone;
    return *number >= kGoodFrom ? Paint::kGood : *number >= kFairFrom ? Paint::kFair : Paint::kPoor;
  }
  if (column.style == ColumnStyle::kStatus) {
    return TextIn(cell) == "ok" ? Paint::kGood : Paint::kFair;
  }
  return Paint::kNone;
}

// "3 min ago"; a moment in the future is "now".
std::string Ago(int64_t wall_ms, int64_t now_ms) {
  const int64_t s = std::max<int64_t>(0, (now_ms - wall_ms) / 1000);
  if (s < 5) return "now";
  if (s < 90) return Concat(s, " s ago");
  if (s < 90 * 60) return Concat(s / 60, " min ago");
  if (s < 36 * 3600) return Concat(s / 3600, " h ago");
  return Concat(s / 86400, " days ago");
}

// The reader's own time zone.
std::string LocalTime(int64_t wall_ms, bool with_day) {
  const auto seconds = static_cast<time_t>(wall_ms / 1000);
  struct tm local {};
  if (localtime_r(&seconds, &local) == nullptr) return FormatTime(wall_ms);
  char text[32];
  const char* format = with_day ? "%Y-%m-%d %H:%M" : "%H:%M";
  return {text, std::strftime(text, sizeof text, format, &local)};
}

struct TableText {
  const Column& column;
  int64_t now_ms;

  std::string operator()(std::monostate) const { return std::string(kNothing); }
  std::string operator()(const std::string& text) const { return Printable(text); }
  std::string operator()(bool boolean) const { return boolean ? "yes" : "no"; }
  std::string operator()(double number) const {
    if (!std::isfinite(number)) return std::string(kNothing);
    return Signed(FormatFixed(number, column.decimals), number > 0);
  }
  std::string operator()(int64_t integer) const {
    if (column.type == ColumnType::kDay) return FormatDay(integer);
    if (column.type != ColumnType::kTime) return Signed(std::to_string(integer), integer > 0);
    if (column.name == "last_seen") return Ago(integer, now_ms);
    return LocalTime(integer, column.decimals > 0);
  }
  std::string operator()(const Series& series) const { return Sparkline(series); }

  std::string Signed(std::string text, bool positive) const {
    if (column.style == ColumnStyle::kChange && positive) text.insert(0, 1, '+');
    return text;
  }
};

bool IsNumeric(const Column& column) {
  return column.type == ColumnType::kNumber || column.type == ColumnType::kInteger;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// A heading in as few lines as its width allows.
std::vector<std::string> WrapHeading(std::string_view label, size_t width) {
  std::vector<std::string> lines;
  for (const std::string& word : Words(label)) {
    if (!lines.empty() && TextWidth(lines.back()) + 1 + TextWidth(word) <= width) {
      lines.back() += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  return lines;
}

// A column as it will be drawn.
struct Drawn {
  const Column* column = nullptr;
  size_t index = 0;
  std::vector<std::string> cells;
  size_t width = 0;
  bool name = false;  // says which row it is
};

size_t NaturalWidth(const Drawn& drawn) {
  size_t width = 0;
  for (const std::string& cell : drawn.cells) width = std::max(width, TextWidth(cell));
  for (const std::string& word : Words(drawn.column->label)) {
    width = std::max(width, TextWidth(word));
  }
  // A heading of many words over narrow cells gets some room, so that it does not tower.
  while (width < kHeadingWidth && WrapHeading(drawn.column->label, width).size() > kHeadingLines) {
    ++width;
  }
  return width;
}

size_t LeastWidth(const Drawn& drawn) {
  if (drawn.column->type != ColumnType::kText) return drawn.width;
  if (drawn.name) return std::min(drawn.width, kNameWidthMin);
  return std::min(drawn.width, std::max(kTextWidthMin, drawn.width * 6 / 10));
}

size_t Total(const std::vector<Drawn>& columns, size_t (*width)(const Drawn&)) {
  size_t total = 1;
  for (const Drawn& drawn : columns) total += width(drawn) + kGap;
  return total - kGap;
}

// Days before anybody had a value are left out of every row of a column of series.
void TrimSeries(Drawn& drawn) {
  size_t blank = std::string::npos;
  for (const std::string& cell : drawn.cells) {
    if (cell.empty() || cell == kNothing) continue;
    blank = std::min(blank, std::min(cell.find_first_not_of(' '), cell.size()));
  }
  if (blank == std::string::npos || blank == 0) return;
  for (std::string& cell : drawn.cells) {
    if (cell.size() >= blank && cell != kNothing) cell.erase(0, blank);
  }
}

std::vector<Drawn> Draw(const Table& table, int64_t now_ms) {
  std::vector<Drawn> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.hidden) continue;
    Drawn& drawn = columns.emplace_back();
    drawn.column = &column;
    drawn.index = i;
    for (const Row& row : table.rows) {
      drawn.cells.push_back(std::visit(TableText{column, now_ms}, row[i]));
    }
    if (column.type == ColumnType::kSeries) TrimSeries(drawn);
    drawn.width = NaturalWidth(drawn);
  }
  // The first column that is always shown.
  const auto name = std::find_if(columns.begin(), columns.end(),
                                 [](const Drawn& drawn) { return drawn.column->rank == 0; });
  if (name != columns.end()) name->name = true;
  return columns;
}

// A column in which no row has a value says nothing, and goes first.
bool IsBlank(const Table& table, const Drawn& drawn) {
  return drawn.column->rank > 0 && !table.rows.empty() &&
         std::all_of(table.rows.begin(), table.rows.end(), [&](const Row& row) {
           return IsEmpty(row[drawn.index]) ||
                  (std::holds_alternative<std::string>(row[drawn.index]) &&
                   TextIn(row[drawn.index]).empty());
         });
}

// Drops the columns of the highest rank until the rest fits, then cuts the widest texts. Gives the
// names of what was dropped.
std::vector<std::string> FitTo(size_t width, const Table& table, std::vector<Drawn>& columns) {
  std::erase_if(columns, [&](const Drawn& drawn) { return IsBlank(table, drawn); });
  std::vector<std::string> dropped;
  if (width == 0) return dropped;
  while (Total(columns, &LeastWidth) > width) {
    const auto least =
        std::max_element(columns.begin(), columns.end(), [](const Drawn& a, const Drawn& b) {
          return a.column->rank <= b.column->rank;  // of equals the last
        });
    if (least == columns.end() || least->column->rank == 0) break;
    dropped.push_back(least->column->name);
    columns.erase(least);
  }
  const auto natural = [](const Drawn& drawn) { return drawn.width; };
  while (Total(columns, natural) > width) {
    Drawn* widest = nullptr;
    for (Drawn& drawn : columns) {
      const size_t least = drawn.name ? kNameWidthMin : kTextWidthMin;
      if (drawn.column->type != ColumnType::kText || drawn.width <= least) continue;
      if (widest == nullptr || drawn.width > widest->width) widest = &drawn;
    }
    if (widest == nullptr) break;
    --widest->width;
  }
  return dropped;
}

std::string RightTrimmed(std::string line) {
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

std::string Headings(const std::vector<Drawn>& columns, bool colour) {
  std::vector<std::vector<std::string>> wrapped;
  size_t height = 0;
  for (const Drawn& drawn : columns) {
    wrapped.push_back(WrapHeading(drawn.column->label, drawn.width));
    height = std::max(height, wrapped.back().size());
  }
  std::string out;
  for (size_t line = 0; line < height; ++line) {
    std::string text = " ";
    for (size_t i = 0; i < columns.size(); ++i) {
      const size_t above = height - wrapped[i].size();
      std::string word = line < above ? "" : FitText(wrapped[i][line - above], columns[i].width);
      if (i != 0) text.append(kGap, ' ');
      text += IsNumeric(*columns[i].column) ? PadLeft(std::move(word), columns[i].width)
                                            : PadRight(std::move(word), columns[i].width);
    }
    std::string trimmed = RightTrimmed(std::move(text));
    trimmed.pop_back();
    out += Painted(std::move(trimmed), Paint::kDim, colour) + "\n";
  }
  std::string rule = " ";
  const auto natural = [](const Drawn& drawn) { return drawn.width; };
  for (size_t i = 1; i < Total(columns, natural); ++i) rule += "─";
  return out + Painted(std::move(rule), Paint::kDim, colour) + "\n";
}

std::string Body(const Table& table, const std::vector<Drawn>& columns, bool colour) {
  std::string out;
  for (size_t r = 0; r < table.rows.size(); ++r) {
    std::string line = " ";
    for (size_t i = 0; i < columns.size(); ++i) {
      const Drawn& drawn = columns[i];
      std::string cell = FitText(drawn.cells[r], drawn.width);
      const size_t pad = drawn.width - std::min(drawn.width, TextWidth(cell));
      cell = Painted(std::move(cell), PaintOf(*drawn.column, table.rows[r][drawn.index]), colour);
      if (i != 0) line.append(kGap, ' ');
      if (IsNumeric(*drawn.column)) line.append(pad, ' ');
      line += cell;
      if (!IsNumeric(*drawn.column)) line.append(pad, ' ');
    }
    out += RightTrimmed(std::move(line));
  }
  return out;
}

// One line of a record: label, value and, where two periods are compared, the value before and the
// difference.
struct RecordLine {
  std::string label;
  std::vector<std::string> values;
  Paint paint = Paint::kNone;
};

std::vector<RecordLine> RecordLines(const Table& table, int64_t now_ms) {
  std::vector<RecordLine> lines;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const Cell& cell = table.rows.front()[i];
    if (column.hidden) continue;
    std::string value = std::visit(TableText{column, now_ms}, cell);
    const bool beside = column.name.ends_with("_before") || column.name.ends_with("_change");
    if (beside && !lines.empty()) {
      lines.back().values.push_back(std::move(value));
      continue;
    }
    if (column.type == ColumnType::kSeries) value.erase(0, value.find_first_not_of(' '));
    lines.push_back({column.label, {std::move(value)}, PaintOf(column, cell)});
  }
  return lines;
}

std::string Record(const Table& table, const RenderOptions& options) {
  const std::vector<RecordLine> lines = RecordLines(table, options.now_ms);
  size_t label_width = 0;
  std::vector<size_t> widths(3, 0);
  for (const RecordLine& line : lines) {
    label_width = std::max(label_width, TextWidth(line.label));
    if (line.values.size() == 1) continue;
    for (size_t i = 0; i < std::min(widths.size(), line.values.size()); ++i) {
      widths[i] = std::max(widths[i], TextWidth(line.values[i]));
    }
  }
  std::string out;
  for (const RecordLine& line : lines) {
    std::string text =
        Concat(" ", Painted(PadRight(line.label, label_width), Paint::kDim, options.colour), "  ");
    const bool alone = line.values.size() == 1;
    const size_t pad = alone ? 0 : widths[0] - std::min(widths[0], TextWidth(line.values[0]));
    text += std::string(pad, ' ') + Painted(line.values[0], line.paint, options.colour);
    if (!alone) {
      text += Concat("  ", Painted("before", Paint::kDim, options.colour), " ",
                     PadLeft(line.values[1], widths[1]));
    }
    if (line.values.size() > 2) text += "  " + PadLeft(line.values[2], widths[2]);
    out += RightTrimmed(std::move(text));
  }
  return out;
}

// Columns that were dropped, without what a comparison added to one that is named already.
std::vector<std::string> NotShown(const std::vector<std::string>& dropped) {
  std::vector<std::string> named;
  for (const std::string& name : dropped) {
    const bool beside = name.ends_with("_before") || name.ends_with("_change");
    const std::string of = name.substr(0, name.rfind('_'));
    if (beside && std::find(dropped.begin(), dropped.end(), of) != dropped.end()) continue;
    named.push_back(name);
  }
  return named;
}

// Breaks a note into lines that fit.
std::string Notes(const Table& table, const std::vector<std::string>& dropped,
                  const RenderOptions& options) {
  std::vector<std::string> notes = table.notes;
  if (!dropped.empty()) {
    notes.push_back(Concat("not shown for want of width: ", Join(NotShown(dropped), ", ")));
  }
  std::string out;
  for (const std::string& note : notes) {
    const size_t width = options.width > 20 ? options.width - 2 : 98;
    for (const std::string& line : WrapHeading(Printable(note), width)) {
      out += " " + Painted(line, Paint::kDim, options.colour) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string RenderAsTable(const Table& table, const RenderOptions& options) {
  std::string out;
  if (!table.title.empty()) {
    out += Painted(Printable(table.title), Paint::kBold, options.colour) + "\n";
  }
  if (table.rows.empty()) {
    out += " " + Painted("none", Paint::kDim, options.colour) + "\n";
    return out + Notes(table, {}, options);
  }
  if (table.record && table.rows.size() == 1) {
    return out + Record(table, options) + Notes(table, {}, options);
  }
  std::vector<Drawn> columns = Draw(table, options.now_ms);
  const std::vector<std::string> dropped = FitTo(options.width, table, columns);
  out += Headings(columns, options.colour);
  out += Body(table, columns, options.colour);
  return out + Notes(table, dropped, options);
}

}  // namespace candor
