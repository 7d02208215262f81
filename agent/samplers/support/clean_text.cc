#include "agent/samplers/support/clean_text.h"

#include <cstdint>

#include "agent/samplers/support/text.h"

namespace candor {
namespace {

unsigned char ByteAt(std::string_view text, size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// Bytes of the UTF-8 character that `text` begins with; 0 where it is none. Refuses overlong forms,
// surrogates and what lies beyond Unicode (RFC 3629).
size_t CharacterSize(std::string_view text) {
  const unsigned char lead = ByteAt(text, 0);
  const unsigned char second = ByteAt(text, 1);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4 || !IsContinuation(second)) return 0;
  if (lead < 0xe0) return 2;
  if (!IsContinuation(ByteAt(text, 2))) return 0;
  if (lead < 0xf0) {
    const bool overlong = lead == 0xe0 && second < 0xa0;
    const bool surrogate = lead == 0xed && second >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  const bool overlong = lead == 0xf0 && second < 0x90;
  const bool beyond = lead == 0xf4 && second >= 0x90;
  return overlong || beyond || !IsContinuation(ByteAt(text, 3)) ? 0 : 4;
}

}  // namespace

std::string CleanText(std::string_view raw, size_t bytes_max) {
  std::string clean;
  std::string_view rest = Trim(raw);
  while (!rest.empty()) {
    const size_t size = CharacterSize(rest);
    std::string_view piece = rest.substr(0, size == 0 ? 1 : size);
    rest.remove_prefix(piece.size());
    if (size == 0) piece = "?";
    if (size == 1 && (ByteAt(piece, 0) < 0x20 || ByteAt(piece, 0) == 0x7f)) piece = " ";
    if (clean.size() + piece.size() > bytes_max) break;
    clean.append(piece);
  }
  return clean;
}

}  // namespace candor
