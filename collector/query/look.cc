#include "collector/query/look.h"

#include <algorithm>

#include "collector/identity/audit.h"
#include "collector/query/text.h"
#include "common/hash.h"

namespace candor {
namespace {

// The beginning of a text, cut between characters.
std::string_view Beginning(std::string_view text, size_t bytes) {
  size_t size = std::min(text.size(), bytes);
  while (size < text.size() && size > 0 && (text[size] & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

std::string ReasonAndText(std::string_view reason, std::string_view text) {
  const std::string about = reason.empty() ? std::string() : Concat(reason, ": ");
  if (about.size() + text.size() <= kAuditTextMax) return Concat(about, text);
  const std::string whole =
      Concat(" … [", text.size(), " bytes, SHA-256 ", ToHex(Sha256(text)), "]");
  return Concat(about, Beginning(text, kAuditTextMax - about.size() - whole.size()), whole);
}

}  // namespace candor
