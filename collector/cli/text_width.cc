#include "collector/cli/text_width.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace candor {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

constexpr auto kZeroWidth = std::to_array<Range>({
    {0x0300, 0x036F},   {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x0900, 0x0902},   {0x093C, 0x093C}, {0x0941, 0x0948}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},
    {0x0E47, 0x0E4E},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E},
    {0x2060, 0x2064},   {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
    {0xE0100, 0xE01EF},
});
constexpr auto kWide = std::to_array<Range>({
    {0x1100, 0x115F},
    {0x2E80, 0x303E},
    {0x3041, 0x33FF},
    {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},
    {0xA000, 0xA4CF},
    {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF},
    {0x1F900, 0x1F9FF},
    {0x20000, 0x3FFFD},
});

template <size_t N>
bool Contains(const std::array<Range, N>& ranges, uint32_t code) {
  const auto at = std::lower_bound(ranges.begin(), ranges.end(), code,
                                   [](const Range& range, uint32_t c) { return range.last < c; });
  return at != ranges.end() && at->first <= code;
}

struct Character {
  std::string_view bytes;
  uint32_t code = 0;
};

// The character at the front; a byte that begins none is one by itself, as U+FFFD.
Character FirstCharacter(std::string_view text) {
  constexpr uint32_t kReplacement = 0xFFFD;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {text.substr(0, 1), lead};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {text.substr(0, 1), kReplacement};
  uint32_t code = lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {text.substr(0, 1), kReplacement};
    code = code << 6 | (byte(i) & 0x3FU);
  }
  return {text.substr(0, length), code};
}

bool IsControl(uint32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

// Characters that change the direction of what follows.
bool IsDirection(uint32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

size_t WidthOf(uint32_t code) {
  if (IsControl(code) || Contains(kZeroWidth, code)) return 0;
  return Contains(kWide, code) ? 2 : 1;
}

constexpr std::string_view kEllipsis = "…";

}  // namespace

size_t TextWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    width += WidthOf(character.code);
    text.remove_prefix(character.bytes.size());
  }
  return width;
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    if (IsControl(character.code) || IsDirection(character.code) || character.code == 0xFFFD) {
      out += "\uFFFD";
    } else {
      out += character.bytes;
    }
    text.remove_prefix(character.bytes.size());
  }
  return out;
}

std::string FitText(std::string_view text, size_t width) {
  if (TextWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    used += WidthOf(character.code);
    if (used > width - 1) break;
    out += character.bytes;
    text.remove_prefix(character.bytes.size());
  }
  while (out.ends_with(' ')) out.pop_back();
  out += kEllipsis;
  return out;
}

std::string PadRight(std::string text, size_t width) {
  const size_t used = TextWidth(text);
  if (used < width) text.append(width - used, ' ');
  return text;
}

std::string PadLeft(std::string text, size_t width) {
  const size_t used = TextWidth(text);
  if (used < width) text.insert(0, width - used, ' ');
  return text;
}

}  // namespace candor
