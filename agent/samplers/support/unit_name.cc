#include "agent/samplers/support/unit_name.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "agent/samplers/support/text.h"

namespace candor {
namespace {

constexpr size_t kUnitBytesMax = 255;  // systemd's own limit

constexpr auto kCommonMounts = std::to_array<std::string_view>(
    {"-.mount", "boot.mount", "boot-efi.mount", "efi.mount", "home.mount", "root.mount",
     "srv.mount", "tmp.mount", "usr.mount", "var.mount", "var-log.mount", "var-tmp.mount"});

}  // namespace

std::string UnescapeUnitName(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    unsigned char byte = 0;
    const bool escaped = text.size() >= 4 && text.starts_with("\\x");
    if (escaped) {
      const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 4, byte, 16);
      if (error == std::errc() && end == text.data() + 4) {
        out.push_back(static_cast<char>(byte));
        text.remove_prefix(4);
        continue;
      }
    }
    out.push_back(text.front());
    text.remove_prefix(1);
  }
  return out;
}

std::string UnitTemplate(std::string_view unit) {
  const size_t at = unit.find('@');
  const size_t dot = unit.rfind('.');
  if (at == std::string_view::npos || dot == std::string_view::npos || dot < at) {
    return std::string(unit);
  }
  return Concat(unit.substr(0, at + 1), unit.substr(dot));
}

std::string PublicUnitName(std::string_view unit,
                           const std::function<bool(std::string_view)>& installed) {
  const size_t dot = unit.rfind('.');
  const bool sound = unit.size() <= kUnitBytesMax && dot != std::string_view::npos &&
                     unit.find('/') == std::string_view::npos;
  if (!sound) return "other";
  std::string name = UnitTemplate(unit);
  const bool common =
      std::find(kCommonMounts.begin(), kCommonMounts.end(), name) != kCommonMounts.end();
  if (common || installed(name)) return name;
  return Concat("other", unit.substr(dot));
}

}  // namespace candor
