#include "collector/query/nearest.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "collector/query/text.h"

namespace candor {
namespace {

constexpr size_t kWordBytesMax = 64;

// Levenshtein's distance in two rows.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> above(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({change, above[j] + 1, row[j - 1] + 1});
    }
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::vector<std::string> NearestNames(std::string_view word, const std::vector<std::string>& names,
                                      size_t count) {
  const std::string wanted = ToLower(word.substr(0, kWordBytesMax));
  const size_t edits_max = wanted.size() <= 4 ? 1 : std::max<size_t>(2, wanted.size() / 3);
  // How near, then how many edits, then the name itself.
  std::set<std::tuple<size_t, size_t, std::string>> ranked;
  for (const std::string& name : names) {
    const std::string lower = ToLower(name.substr(0, kWordBytesMax));
    const size_t edits = EditDistance(wanted, lower);
    const bool contains = !wanted.empty() && lower.find(wanted) != std::string::npos;
    if (edits > edits_max && !contains) continue;
    ranked.emplace(contains ? std::min<size_t>(edits, 1) : edits, edits, name);
  }
  std::vector<std::string> nearest;
  for (const auto& [near, edits, name] : ranked) {
    if (nearest.size() == count) break;
    nearest.push_back(name);
  }
  return nearest;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& names) {
  const std::vector<std::string> nearest = NearestNames(word, names);
  if (nearest.empty()) return "";
  return Concat(" (did you mean ", Join(nearest, ", "), "?)");
}

}  // namespace candor
