#include "agent/daemon/power.h"

#include <filesystem>

#include "common/files.h"

namespace candor {
namespace {

constexpr size_t kAttributeBytesMax = 64;

bool Says(const std::filesystem::path& file, std::string_view expected) {
  const auto text = ReadFile(file.string(), kAttributeBytesMax);
  return text.ok() && std::string_view(*text).starts_with(expected);
}

}  // namespace

bool OnBattery(const std::string& sys) {
  bool battery = false;
  std::error_code error;
  // A range-based loop would throw where a supply is unplugged while the folder is read.
  std::filesystem::directory_iterator at(sys + "/class/power_supply", error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::filesystem::path& supply = at->path();
    if (Says(supply / "type", "Battery")) {
      // A mouse's battery says nothing about the laptop.
      battery = battery || !Says(supply / "scope", "Device");
    } else if (Says(supply / "online", "1")) {
      return false;
    }
  }
  return battery;
}

}  // namespace candor
