// A machine of tests/data, laid out as files; the READMEs there say how they are written.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/samplers/sampler.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

class RecordedMachine {
 public:
  explicit RecordedMachine(const std::filesystem::path& file) : name_(file.stem().string()) {
    Load(file);
    for (const auto& [path, text] : now_) Write(path, text);
    // What every machine has and no test looks at.
    Write("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
    roots.proc = folder_.File("proc");
    roots.sys = folder_.File("sys");
    roots.etc = folder_.File("etc");
    roots.run = folder_.File("run");
    roots.var = folder_.File("var");
    roots.usr = folder_.File("usr");
    roots.snap = folder_.File("snap");
    std::filesystem::create_directories(roots.var);
  }

  // What one of its files holds now.
  std::string Text(const std::string& path) const {
    std::ifstream in(folder_.File(path));
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

  // A minute passes.
  void BecomeLater() const {
    for (const auto& [path, text] : later_) Write(path, text);
  }

  const std::string& name() const { return name_; }
  // The lines under "expect".
  const std::vector<std::string>& expected() const { return expected_; }

  LinuxRoots roots;

 private:
  void Load(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string* text = nullptr;
    bool expecting = false;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("=== ")) {
        expecting = line == "=== expect";
        text = expecting ? nullptr : Begin(line.substr(4));
      } else if (expecting) {
        expected_.push_back(line);
      } else if (text != nullptr) {
        text->append(line + "\n");
      }
    }
    if (expected_.empty()) throw std::runtime_error(file.string() + ": expects nothing");
  }

  // Where the lines of this file go; null where it has none.
  std::string* Begin(const std::string& head) {
    const size_t arrow = head.find(" -> ");
    if (arrow != std::string::npos) {
      const std::filesystem::path link = folder_.File(head.substr(0, arrow));
      std::filesystem::create_directories(link.parent_path());
      std::filesystem::create_symlink(head.substr(arrow + 4), link);
      return nullptr;
    }
    if (head.ends_with("/")) {
      std::filesystem::create_directories(folder_.File(head.substr(0, head.size() - 1)));
      return nullptr;
    }
    const std::string later = "later ";
    return head.starts_with(later) ? &later_[head.substr(later.size())] : &now_[head];
  }

  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path full = folder_.File(path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream out(full);
    if (!(out << text << std::flush)) throw std::runtime_error("cannot write " + full.string());
  }

  const std::string name_;
  TempFolder folder_;
  std::map<std::string, std::string> now_;
  std::map<std::string, std::string> later_;
  std::vector<std::string> expected_;
};

// The files of tests/data/`kind`: machines or journals.
inline std::vector<std::filesystem::path> RecordedMachines(const std::string& kind) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(CANDOR_SOURCE_DIR "/tests/data/" + kind)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  return files;
}

}  // namespace candor::testing
