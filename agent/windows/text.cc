#include "agent/windows/text.h"

#include <cstddef>
#include <cstdint>

namespace candor {
namespace {

// Length of the well-formed character at the start of `text` (Unicode 15, table 3-7), 0 for none.
size_t CharacterBytes(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  // The second byte's range rules out overlong forms, surrogates and what lies beyond U+10FFFF.
  const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < low || at(1) > high) return 0;
  for (size_t i = 2; i < size; ++i) {
    if (at(i) < 0x80 || at(i) > 0xbf) return 0;
  }
  return size;
}

}  // namespace

std::string CleanText(std::string_view text, size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const size_t size = CharacterBytes(text);
    const size_t taken = size == 0 ? 1 : size;
    if (clean.size() + taken > bytes_max) break;
    if (size == 0) {
      clean.push_back('?');
    } else {
      clean.append(text.substr(0, size));
    }
    text.remove_prefix(taken);
  }
  return clean;
}

}  // namespace candor
