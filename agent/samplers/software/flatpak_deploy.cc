#include "agent/samplers/software/flatpak_deploy.h"

namespace candor {

std::string AppdataVersion(std::string_view deploy) {
  constexpr std::string_view kKey("appdata-version\0", 16);
  constexpr std::string_view kBehindText("\0\0s", 3);
  for (size_t at = deploy.find(kKey); at != std::string_view::npos;
       at = deploy.find(kKey, at + 1)) {
    const std::string_view value = deploy.substr(at + kKey.size());
    const size_t end = value.find('\0');
    if (end == std::string_view::npos) break;
    // The same words may stand in a name or a description.
    if (value.substr(end, kBehindText.size()) == kBehindText)
      return std::string(value.substr(0, end));
  }
  return {};
}

}  // namespace candor
