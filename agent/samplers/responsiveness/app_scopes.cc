#include "agent/samplers/responsiveness/app_scopes.h"

#include <algorithm>
#include <utility>

namespace candor {
namespace {

constexpr std::string_view kOther = "other";

bool RemoveSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Unit names escape what they must not hold as \xHH.
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\\x" && i + 3 < text.size() && HexDigit(text[i + 2]) >= 0 &&
        HexDigit(text[i + 3]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 2]) * 16 + HexDigit(text[i + 3]));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
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
    name = Unescape(group.substr(group.rfind('-') + 1));
  }
  return IsPlainName(name) ? name : std::string();
}

std::vector<std::string> NamedApplications::Unknown(const std::vector<AppGroup>& groups) const {
  std::vector<std::string> unknown;
  for (const AppGroup& group : groups) {
    std::string application = ApplicationOfGroup(group.name);
    if (application.empty() || known_.contains(application)) continue;
    if (std::find(unknown.begin(), unknown.end(), application) != unknown.end()) continue;
    unknown.push_back(std::move(application));
  }
  return unknown;
}

void NamedApplications::Learn(const std::string& application, bool may_be_named) {
  // Somebody who starts this many different applications starts over.
  if (known_.size() >= kKnownMax) known_.clear();
  known_[application] = may_be_named;
}

std::string NamedApplications::NameOf(const std::string& group) const {
  std::string application = ApplicationOfGroup(group);
  const auto at = known_.find(application);
  return at != known_.end() && at->second ? application : std::string(kOther);
}

std::map<std::string, std::array<int64_t, 3>> AppStalls::Update(const std::vector<AppGroup>& groups,
                                                                const NamedApplications& names) {
  std::map<uint64_t, Meters> next;
  std::map<std::string, std::array<int64_t, 3>> stalls;
  for (const AppGroup& group : groups) {
    Meters meters;
    if (const auto at = known_.find(group.id); at != known_.end()) {
      meters = at->second;
    } else if (!first_) {
      meters.fill(StallMeter(0));
    }
    const std::string application = names.NameOf(group.name);
    const bool room = stalls.contains(application) || stalls.size() < kAppNamesMax;
    auto& sums = stalls[room ? application : std::string(kOther)];
    for (size_t kind = 0; kind < sums.size(); ++kind) {
      sums[kind] += meters[kind].TakeMs(group.totals_us[kind]).value_or(0);
    }
    next.emplace(group.id, meters);
  }
  known_ = std::move(next);
  if (std::exchange(first_, false)) stalls.clear();
  return stalls;
}

}  // namespace candor
