#include "agent/samplers/health/deb_packages.h"

#include <algorithm>
#include <vector>

#include "agent/samplers/support/text.h"
#include "common/hash.h"

namespace candor {
namespace {

bool IsDebDigit(char c) { return c >= '0' && c <= '9'; }
bool IsDebLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// How a character sorts among what is no digit: the tilde before the end, letters before the rest.
int OrderOf(std::string_view text, size_t at) {
  if (at >= text.size() || IsDebDigit(text[at])) return 0;
  const char c = text[at];
  if (c == '~') return -1;
  return IsDebLetter(c) ? c : c + 256;
}

size_t NumberEnd(std::string_view text, size_t at) {
  while (at < text.size() && IsDebDigit(text[at])) ++at;
  return at;
}

// Numbers of any length, without leading zeros.
int CompareNumbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

// A version's upstream part or its revision: stretches of other characters and numbers in turn.
int CompareParts(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    while ((i < a.size() && !IsDebDigit(a[i])) || (j < b.size() && !IsDebDigit(b[j]))) {
      const int order_a = OrderOf(a, i);
      const int order_b = OrderOf(b, j);
      if (order_a != order_b) return order_a - order_b;
      ++i;
      ++j;
    }
    const size_t end_a = NumberEnd(a, i);
    const size_t end_b = NumberEnd(b, j);
    const int order = CompareNumbers(a.substr(i, end_a - i), b.substr(j, end_b - j));
    if (order != 0) return order;
    i = end_a;
    j = end_b;
  }
  return 0;
}

struct DebVersion {
  std::string_view epoch = "0";
  std::string_view upstream;
  std::string_view revision;
};

DebVersion Parted(std::string_view text) {
  DebVersion version;
  if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    version.epoch = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  const size_t dash = text.rfind('-');
  version.upstream = text.substr(0, dash);
  if (dash != std::string_view::npos) version.revision = text.substr(dash + 1);
  return version;
}

std::string KeyOf(const DebPackage& package) {
  return Concat(package.name, ":", package.architecture);
}

std::string ShortHash(std::string_view name) { return ToHex(Sha256(name)).substr(0, 8); }

}  // namespace

int CompareDebVersions(std::string_view a, std::string_view b) {
  const DebVersion x = Parted(a);
  const DebVersion y = Parted(b);
  if (const int order = CompareNumbers(x.epoch, y.epoch); order != 0) return order;
  if (const int order = CompareParts(x.upstream, y.upstream); order != 0) return order;
  return CompareParts(x.revision, y.revision);
}

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
