#include "agent/samplers/health/deb_packages.h"

#include <algorithm>
#include <vector>

#include "agent/samplers/support/text.h"
#include "common/deb_version.h"
#include "common/hash.h"

namespace candor {
namespace {

std::string KeyOf(const DebPackage& package) {
  return Concat(package.name, ":", package.architecture);
}

std::string ShortHash(std::string_view name) { return ToHex(Sha256(name)).substr(0, 8); }

}  // namespace

void DebParagraphs::Feed(std::string_view piece, const std::function<void(const DebPackage&)>& fn) {
  while (!piece.empty()) {
    const size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (end != std::string_view::npos && partial_.empty() && !too_long_) {
      Line(part, fn);
    } else {
      too_long_ = too_long_ || partial_.size() + part.size() > kLineBytesMax;
      if (too_long_) {
        partial_.clear();
      } else {
        partial_.append(part);
      }
      if (end == std::string_view::npos) return;
      if (!too_long_) Line(partial_, fn);
      partial_.clear();
      too_long_ = false;
    }
    piece.remove_prefix(end + 1);
  }
}

void DebParagraphs::End(const std::function<void(const DebPackage&)>& fn) {
  if (!partial_.empty()) Line(partial_, fn);
  Line("", fn);
  partial_.clear();
  too_long_ = false;
}

void DebParagraphs::Line(std::string_view line, const std::function<void(const DebPackage&)>& fn) {
  if (line.empty()) {
    if (!package_.name.empty() && !package_.version.empty()) fn(package_);
    package_ = {};
    return;
  }
  // Most lines are none of these; their first letter says so.
  const auto take = [&](std::string_view field, std::string& into) {
    if (line.starts_with(field)) into = Trim(line.substr(field.size()));
  };
  switch (line.front()) {
    case 'P':
      return take("Package:", package_.name);
    case 'V':
      return take("Version:", package_.version);
    case 'A':
      return take("Architecture:", package_.architecture);
    case 'S':
      return take("Status:", package_.status);
    default:
      return;
  }
}

void DebUpdates::AddInstalled(const DebPackage& package) {
  if (!package.status.ends_with(" installed") || installed_.size() >= kPackagesMax) return;
  installed_.insert_or_assign(KeyOf(package), package.version);
}

void DebUpdates::AddAvailable(const DebPackage& package) {
  const auto at = installed_.find(KeyOf(package));
  if (at == installed_.end()) return;
  if (CompareDebVersions(at->second, package.version) < 0) pending_.insert(at->first);
}

WaitingSince::WaitingSince(std::string_view text) {
  for (const std::string_view entry : Split(text, ' ')) {
    const size_t colon = entry.find(':');
    if (colon == std::string_view::npos || since_.size() >= kKeptMax) continue;
    const auto day = ParseNumber<int64_t>(entry.substr(colon + 1));
    if (day) since_.emplace(entry.substr(0, colon), *day);
  }
}

void WaitingSince::Update(const std::set<std::string>& pending, int64_t today) {
  std::vector<std::pair<int64_t, std::string>> waiting;
  for (const std::string& name : pending) {
    std::string hash = ShortHash(name);
    const auto at = since_.find(hash);
    // A day to come is from a clock that was wrong.
    const int64_t since = at == since_.end() ? today : std::min(at->second, today);
    waiting.emplace_back(since, std::move(hash));
  }
  std::sort(waiting.begin(), waiting.end());
  if (waiting.size() > kKeptMax) waiting.resize(kKeptMax);
  since_.clear();
  for (const auto& [day, hash] : waiting) since_.emplace(hash, day);
}

int64_t WaitingSince::LongestDays(int64_t today) const {
  int64_t longest = 0;
  for (const auto& [hash, day] : since_) longest = std::max(longest, today - day);
  return longest;
}

std::string WaitingSince::Text() const {
  std::string text;
  for (const auto& [hash, day] : since_) {
    text.append(Concat(text.empty() ? "" : " ", hash, ":", std::to_string(day)));
  }
  return text;
}

}  // namespace candor
