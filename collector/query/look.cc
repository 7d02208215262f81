#include "collector/query/look.h"

#include "collector/identity/audit.h"
#include "collector/query/text.h"
#include "common/hash.h"
#include "common/tls/labels.h"

namespace candor {
std::string ReasonAndText(std::string_view reason, std::string_view text) {
  const std::string about = reason.empty() ? std::string() : Concat(reason, ": ");
  if (about.size() + text.size() <= kAuditTextMax) return Concat(about, text);
  const std::string whole =
      Concat(" … [", text.size(), " bytes, SHA-256 ", ToHex(Sha256(text)), "]");
  return Concat(about, BeginningOf(text, kAuditTextMax - about.size() - whole.size()), whole);
}

}  // namespace candor
