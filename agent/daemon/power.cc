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
  for (const auto& supply :
       std::filesystem::directory_iterator(sys + "/class/power_supply", error)) {
    if (Says(supply.path() / "type", "Battery")) {
      // A mouse's battery says nothing about the laptop.
      battery = battery || !Says(supply.path() / "scope", "Device");
    } else if (Says(supply.path() / "online", "1")) {
      return false;
    }
  }
  return battery;
}

}  // namespace candor
