#include "agent/samplers/support/app_group.h"

#include <algorithm>

#include "agent/samplers/support/unit_name.h"

namespace candor {
namespace {

bool RemoveSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// Only characters that a desktop id or snap's name has; anything else is no application's name.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= 128 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

std::string ApplicationOfGroup(std::string_view group) {
  const bool scope = RemoveSuffix(group, ".scope");
  if (!scope && !RemoveSuffix(group, ".service")) return {};
  std::string name;
  if (group.starts_with("snap.")) {
    group.remove_prefix(5);
    name = group.substr(0, group.find('.'));
  } else if (group.starts_with("app-")) {
    group.remove_prefix(4);
    if (scope) {
      // app[-launcher]-ID-RANDOM.scope; a dash inside of a part is escaped.
      const size_t dash = group.rfind('-');
      if (dash == std::string_view::npos) return {};
      group = group.substr(0, dash);
    } else {
      group = group.substr(0, group.find('@'));  // app[-launcher]-ID[@RANDOM].service
    }
    name = UnescapeUnitName(group.substr(group.rfind('-') + 1));
  }
  return IsPlainName(name) ? name : std::string();
}

}  // namespace candor
