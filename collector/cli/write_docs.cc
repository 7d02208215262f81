// Writes the manual pages and the completion into the folder named; run by the build.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "collector/cli/completion.h"
#include "collector/cli/manual.h"

namespace {

bool WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  if (!file) std::cerr << "cannot write " << path << "\n";
  return static_cast<bool>(file);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: candor-write-docs FOLDER\n";
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  bool ok = WriteFile(folder / "candor.bash", candor::BashCompletion());
  for (const auto& [name, text] : candor::ManualPages()) ok = WriteFile(folder / name, text) && ok;
  return ok ? 0 : 1;
}
