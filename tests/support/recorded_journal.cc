#include "tests/support/recorded_journal.h"

#include <cstdio>
#include <filesystem>
#include <stdexcept>

namespace candor::testing {
namespace {

// The journal's export format: a field with line breaks carries its length in front.
void AppendField(const std::string& name, const std::string& value, std::string& out) {
  if (value.find('\n') == std::string::npos) {
    out += name + "=" + value + "\n";
    return;
  }
  out += name + "\n";
  for (int byte = 0; byte < 8; ++byte) {
    out.push_back(static_cast<char>((uint64_t{value.size()} >> (8 * byte)) & 0xff));
  }
  out += value + "\n";
}

}  // namespace

void AppendJournal(const std::string& path, const std::vector<RecordedEntry>& entries) {
  std::string text;
  for (const RecordedEntry& entry : entries) {
    AppendField("__REALTIME_TIMESTAMP", std::to_string(entry.realtime_us), text);
    AppendField("__MONOTONIC_TIMESTAMP", std::to_string(entry.monotonic_us), text);
    AppendField("_BOOT_ID", entry.boot_hex, text);
    for (const auto& [name, value] : entry.fields) AppendField(name, value, text);
    text.push_back('\n');
  }
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  const std::string command =
      "/lib/systemd/systemd-journal-remote -o '" + path + "' - > '" + path + ".log' 2>&1";
  FILE* pipe = popen(command.c_str(), "w");
  if (pipe == nullptr) throw std::runtime_error("cannot start systemd-journal-remote");
  const bool written = fwrite(text.data(), 1, text.size(), pipe) == text.size();
  if (pclose(pipe) != 0 || !written) {
    throw std::runtime_error("systemd-journal-remote failed: see " + path + ".log");
  }
}

}  // namespace candor::testing
