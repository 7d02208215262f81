#include "agent/samplers/health/linux_sources.h"

#include <filesystem>

#include "agent/samplers/support/text.h"
#include "common/files.h"
#include "common/status.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBatteriesMax = 8;
constexpr size_t kProcessorsMax = 1024;

}  // namespace

absl::StatusOr<std::vector<BatteryPack>> ReadBatteries(const LinuxRoots& roots) {
  std::vector<BatteryPack> packs;
  std::error_code error;
  fs::directory_iterator at(Concat(roots.sys, "/class/power_supply"), error);
  if (error) return absl::NotFoundError("the system does not tell whether there is a battery");
  for (; !error && at != fs::directory_iterator() && packs.size() < kBatteriesMax;
       at.increment(error)) {
    const std::string folder = at->path().string();
    const absl::StatusOr<std::string> type = ReadFile(Concat(folder, "/type"), 64);
    if (!type.ok() || Trim(*type) != "Battery") continue;
    const absl::StatusOr<std::string> uevent = ReadFile(Concat(folder, "/uevent"), 8192);
    if (!uevent.ok()) continue;
    if (auto pack = ParseBattery(*type, *uevent)) packs.push_back(*pack);
  }
  return packs;
}

absl::StatusOr<ThrottleCounters> ReadThrottleCounters(const LinuxRoots& roots) {
  ThrottleCounters counters;
  for (size_t cpu = 0; cpu < kProcessorsMax; ++cpu) {
    const std::string name = Concat("cpu", std::to_string(cpu));
    const std::string folder = Concat(roots.sys, "/devices/system/cpu/", name);
    std::error_code ignored;
    if (!fs::exists(folder, ignored)) break;
    for (const char* kind : {"core", "package"}) {
      const absl::StatusOr<std::string> text =
          ReadFile(Concat(folder, "/thermal_throttle/", kind, "_throttle_total_time_ms"), 64);
      if (!text.ok()) continue;
      const auto value = ParseNumber<int64_t>(*text);
      if (value && *value >= 0) counters.emplace(Concat(name, ".", kind), *value);
    }
  }
  if (!counters.empty()) return counters;
  return absl::NotFoundError("the processor does not count the time it is slowed by heat");
}

absl::StatusOr<int64_t> ReadMemAvailableMib(const LinuxRoots& roots) {
  CANDOR_ASSIGN_OR_RETURN(const std::string text, ReadFile(Concat(roots.proc, "/meminfo"), 16384));
  CANDOR_ASSIGN_OR_RETURN(const int64_t kib, MemInfoKib(text, "MemAvailable"));
  return kib / 1024;
}

}  // namespace candor
