#include <unistd.h>

#include <filesystem>

#include "agent/samplers/support/text.h"
#include "agent/session/process.h"
#include "common/files.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr size_t kFileBytesMax = 8'192;
constexpr int kStartField = 22;
constexpr int kFirstFieldBehindName = 3;

}  // namespace

std::optional<int64_t> ParseStartUs(std::string_view stat, int64_t ticks_per_s) {
  const size_t close = stat.rfind(')');
  if (close == std::string_view::npos || ticks_per_s <= 0) return std::nullopt;
  const auto fields = Split(Trim(stat.substr(close + 1)), ' ');
  constexpr size_t kIndex = kStartField - kFirstFieldBehindName;
  if (fields.size() <= kIndex) return std::nullopt;
  const auto ticks = ParseNumber<int64_t>(fields[kIndex]);
  if (!ticks || *ticks < 0) return std::nullopt;
  return *ticks * kUsPerSecond / ticks_per_s;
}

std::string ParseCgroup(std::string_view cgroups) {
  std::string_view found;
  for (const std::string_view line : Split(cgroups, '\n')) {
    // "0::/path" of version 2, "1:name=systemd:/path" of version 1.
    const size_t colon = line.find(':', line.find(':') + 1);
    if (colon == std::string_view::npos) continue;
    const bool own = line.starts_with("0::") || line.find(":name=systemd:") < colon;
    if (own && (found.empty() || found == "/")) found = line.substr(colon + 1);
  }
  return std::string(found);
}

std::optional<SessionProcess> ReadProcess(const std::string& proc, pid_t pid) {
  const std::string folder = Concat(proc, "/", std::to_string(pid));
  std::error_code error;
  const auto executable = std::filesystem::read_symlink(folder + "/exe", error);
  if (error) return std::nullopt;
  const auto stat = ReadFile(folder + "/stat", kFileBytesMax);
  if (!stat.ok()) return std::nullopt;
  const auto started_us = ParseStartUs(*stat, ::sysconf(_SC_CLK_TCK));
  if (!started_us) return std::nullopt;
  SessionProcess process;
  process.started_us = *started_us;
  process.program.executable = executable.string();
  process.program.task = Trim(ReadFile(folder + "/comm", kFileBytesMax).value_or(""));
  process.program.cgroup = ParseCgroup(ReadFile(folder + "/cgroup", kFileBytesMax).value_or(""));
  return process;
}

}  // namespace candor
