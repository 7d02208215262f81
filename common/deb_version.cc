#include "common/deb_version.h"

#include <algorithm>
#include <cstddef>

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

}  // namespace

int CompareDebVersions(std::string_view a, std::string_view b) {
  const DebVersion x = Parted(a);
  const DebVersion y = Parted(b);
  if (const int order = CompareNumbers(x.epoch, y.epoch); order != 0) return order;
  if (const int order = CompareParts(x.upstream, y.upstream); order != 0) return order;
  return CompareParts(x.revision, y.revision);
}

}  // namespace candor
