#include <sys/utsname.h>

#include <filesystem>

#include "agent/samplers/health/linux_sources.h"
#include "agent/samplers/support/text.h"
#include "common/files.h"
#include "common/inventory_keys.h"
#include "common/version.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

// A processor's section is about 1.5 KiB.
constexpr size_t kCpuInfoBytesMax = 2 << 20;
// Encrypted and logical volumes stacked on each other.
constexpr int kVolumesDeepMax = 6;

// Empty where the file cannot be read.
std::string TextOf(const std::string& path, size_t size_max = 16384) {
  return ReadFile(path, size_max).value_or(std::string());
}

std::string FirstName(const std::string& folder) {
  std::error_code error;
  const fs::directory_iterator at(folder, error);
  if (error || at == fs::directory_iterator()) return {};
  return at->path().filename().string();
}

// The disk behind a block device's name: down through mapped volumes, up from a partition.
std::string WholeDisk(const LinuxRoots& roots, std::string device) {
  const std::string blocks = Concat(roots.sys, "/class/block/");
  for (int depth = 0; depth < kVolumesDeepMax; ++depth) {
    const std::string below = FirstName(Concat(blocks, device, "/slaves"));
    if (below.empty()) break;
    device = below;
  }
  std::error_code error;
  if (!fs::exists(Concat(blocks, device, "/partition"), error)) return device;
  const fs::path real = fs::canonical(Concat(blocks, device), error);
  return error ? device : real.parent_path().filename().string();
}

std::string SystemDiskKind(const LinuxRoots& roots) {
  const std::string source = RootDevice(TextOf(Concat(roots.proc, "/self/mountinfo"), 1 << 20));
  if (source.empty()) return {};
  // /dev/mapper/NAME is a link to the device's own name.
  std::error_code error;
  const fs::path real = fs::canonical(source, error);
  const std::string name = (error ? fs::path(source) : real).filename().string();
  const std::string disk = WholeDisk(roots, name);
  return DiskKind(disk, TextOf(Concat(roots.sys, "/class/block/", disk, "/queue/rotational"), 64));
}

std::string SessionTypes(const LinuxRoots& roots) {
  std::string types;
  for (const auto& [folder, type] :
       {std::pair("/share/wayland-sessions", "wayland"), std::pair("/share/xsessions", "x11")}) {
    if (FirstName(Concat(roots.usr, folder)).empty()) continue;
    if (!types.empty()) types.append(", ");
    types.append(type);
  }
  return types;
}

void Set(InventoryMap& map, std::string_view key, std::string value) {
  if (!value.empty()) map.emplace(std::string(key), std::move(value));
}

void AddSystem(const LinuxRoots& roots, InventoryMap& map) {
  std::string release = TextOf(Concat(roots.etc, "/os-release"));
  if (release.empty()) release = TextOf(Concat(roots.usr, "/lib/os-release"));
  Set(map, inventory::kOs, OsName(release));
  Set(map, inventory::kOsBuild, OsBuild(release, TextOf(Concat(roots.etc, "/debian_version"))));
  Set(map, inventory::kKernel, CleanValue(TextOf(Concat(roots.proc, "/sys/kernel/osrelease"))));
  Set(map, inventory::kHost, CleanValue(TextOf(Concat(roots.proc, "/sys/kernel/hostname"))));
  utsname names{};
  if (uname(&names) == 0) Set(map, inventory::kArchitecture, names.machine);
  Set(map, inventory::kDesktop, SessionTypes(roots));
  Set(map, inventory::kAgent, std::string(kVersion));
}

void AddHardware(const LinuxRoots& roots, InventoryMap& map) {
  const std::string dmi = Concat(roots.sys, "/class/dmi/id/");
  const std::string vendor = TextOf(dmi + "sys_vendor", 4096);
  Set(map, inventory::kVendor, DmiValue(vendor));
  Set(map, inventory::kModel,
      DmiModel(vendor, TextOf(dmi + "product_name", 4096), TextOf(dmi + "product_version", 4096)));
  Set(map, inventory::kFirmware, DmiValue(TextOf(dmi + "bios_version", 4096)));
  if (!map.contains(inventory::kModel)) {
    // Boards without DMI tell their model in the device tree, with a zero at its end.
    std::string model = TextOf(Concat(roots.proc, "/device-tree/model"), 4096);
    std::erase(model, '\0');
    Set(map, inventory::kModel, CleanValue(model));
  }
  const std::string cpuinfo = TextOf(Concat(roots.proc, "/cpuinfo"), kCpuInfoBytesMax);
  Set(map, inventory::kCpu, CpuName(cpuinfo));
  if (const int cores = CpuCount(cpuinfo); cores > 0) {
    Set(map, inventory::kCores, std::to_string(cores));
  }
  const auto memory = MemInfoKib(TextOf(Concat(roots.proc, "/meminfo")), "MemTotal");
  if (memory.ok()) Set(map, inventory::kMemory, std::to_string(*memory / 1024));
  Set(map, inventory::kBattery, ReadBatteries(roots).empty() ? "no" : "yes");
}

void AddDisk(const LinuxRoots& roots, InventoryMap& map) {
  const absl::StatusOr<DiskSpace> space = ReadSystemDiskSpace(roots.var);
  if (space.ok()) Set(map, inventory::kDisk, std::to_string((space->total_mib + 512) / 1024));
  Set(map, inventory::kDiskKind, SystemDiskKind(roots));
}

}  // namespace

InventoryMap ReadInventory(const LinuxRoots& roots) {
  InventoryMap map;
  AddSystem(roots, map);
  AddHardware(roots, map);
  AddDisk(roots, map);
  return map;
}

}  // namespace candor
