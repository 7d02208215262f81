#include "tests/e2e/dump_text.h"

#include <algorithm>
#include <cstdlib>

namespace candor::testing {
namespace {

double Number(std::string_view word) { return std::strtod(std::string(word).c_str(), nullptr); }

std::string_view After(const DumpLine& line, std::string_view word) {
  const auto at = std::find(line.words.begin(), line.words.end(), word);
  return at == line.words.end() || at + 1 == line.words.end() ? std::string_view() : *(at + 1);
}

using PlacedLines = std::map<std::pair<std::string, std::string>, std::multiset<std::string>>;

PlacedLines ByPlace(std::string_view dump) {
  PlacedLines lines;
  ForEachDumpLine(dump, [&](const DumpLine& line) {
    std::string text;
    for (const std::string_view word : line.words) text.append(word).append(" ");
    lines[{line.table, line.day}].insert(std::move(text));
  });
  return lines;
}

}  // namespace

std::map<std::string, uint64_t> CountWindows(std::string_view dump) {
  std::map<std::string, uint64_t> counts;
  ForEachDumpLine(dump, [&](const DumpLine& line) {
    if (line.table != "fact") return;
    counts[std::string(line.words[3])] += static_cast<uint64_t>(Number(After(line, "windows")));
  });
  return counts;
}

std::map<std::string, uint64_t> CountEvents(std::string_view dump) {
  std::map<std::string, uint64_t> counts;
  ForEachDumpLine(dump, [&](const DumpLine& line) {
    if (line.table == "event") ++counts[std::string(line.words.at(7))];
  });
  return counts;
}

std::map<std::pair<std::string, std::string>, Losses> SumLosses(std::string_view dump) {
  std::map<std::pair<std::string, std::string>, Losses> losses;
  ForEachDumpLine(dump, [&](const DumpLine& line) {
    if (line.table == "score" && line.words[4] != "none") {
      losses[{line.device, line.day}].lacking = 100 - Number(line.words[4]);
    }
  });
  ForEachDumpLine(dump, [&](const DumpLine& line) {
    if (line.table != "metric") return;
    const auto at = losses.find({line.device, line.day});
    if (at != losses.end()) at->second.lost += Number(After(line, "lost"));
  });
  return losses;
}

std::set<std::pair<std::string, std::string>> Differences(std::string_view one,
                                                          std::string_view other) {
  const PlacedLines a = ByPlace(one);
  const PlacedLines b = ByPlace(other);
  std::set<std::pair<std::string, std::string>> places;
  for (const auto& [place, lines] : a) {
    const auto at = b.find(place);
    if (at == b.end() || at->second != lines) places.insert(place);
  }
  for (const auto& [place, lines] : b) {
    if (!a.contains(place)) places.insert(place);
  }
  return places;
}

}  // namespace candor::testing
