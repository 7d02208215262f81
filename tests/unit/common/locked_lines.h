// The lines of a file under proto/candor/v1 that holds what numbers mean, without its comments.
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace candor::testing {

inline std::vector<std::string> LockedLines(const std::string& name) {
  std::ifstream file(CANDOR_SOURCE_DIR "/proto/candor/v1/" + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() != '#') lines.push_back(line);
  }
  return lines;
}

}  // namespace candor::testing
