// The canonical dump, read back as text: what tests count and compare.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace candor::testing {

struct DumpLine {
  std::string table;  // fact, event, score, metric, …
  std::string device;
  std::string day;                      // YYYY-MM-DD
  std::vector<std::string_view> words;  // all words of the line, these three included
};

// Calls `visit` for each line; the words are valid during the call only.
template <typename Visit>
void ForEachDumpLine(std::string_view dump, Visit visit) {
  DumpLine line;
  while (!dump.empty()) {
    const size_t end = dump.find('\n');
    const std::string_view text = dump.substr(0, end);
    dump = end == std::string_view::npos ? std::string_view() : dump.substr(end + 1);
    line.words.clear();
    size_t at = 0;
    while (at < text.size()) {
      const size_t space = text.find(' ', at);
      line.words.push_back(text.substr(at, space - at));
      at = space == std::string_view::npos ? text.size() : space + 1;
    }
    if (line.words.size() < 3) continue;
    line.table = line.words[0];
    line.device = line.words[1];
    line.day = line.words[2];
    visit(line);
  }
}

// Windows by metric's name, and events by kind's name, over the whole dump.
std::map<std::string, uint64_t> CountWindows(std::string_view dump);
std::map<std::string, uint64_t> CountEvents(std::string_view dump);

// For each device-day with a score: 100 - score, and the sum of its points lost.
struct Losses {
  double lacking = 0;
  double lost = 0;
};
std::map<std::pair<std::string, std::string>, Losses> SumLosses(std::string_view dump);

// Tables and days in which two dumps differ.
std::set<std::pair<std::string, std::string>> Differences(std::string_view one,
                                                          std::string_view other);

}  // namespace candor::testing
