#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <vector>

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
constexpr int kPciDevicesMax = 512;

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

// Every graphics processor: a laptop with two of them has troubles of its own. Reading these
// attributes wakes none that sleeps.
std::string Graphics(const LinuxRoots& roots) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator at(Concat(roots.sys, "/bus/pci/devices"), error);
  for (int i = 0; i < kPciDevicesMax && !error && at != fs::directory_iterator();
       at.increment(error), ++i) {
    const std::string folder = at->path().string();
    const std::string pci_class = TextOf(Concat(folder, "/class"), 64);
    if (!pci_class.starts_with("0x03")) continue;
    std::error_code none;
    const std::string driver =
        fs::read_symlink(Concat(folder, "/driver"), none).filename().string();
    names.push_back(GraphicsName(pci_class, TextOf(Concat(folder, "/vendor"), 64), driver));
  }
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& name : names) all.append(Concat(all.empty() ? "" : ", ", name));
  return CleanValue(all);
}

// Of several disks only what they have in common.
std::string SystemDiskKind(const LinuxRoots& roots,
                           const absl::StatusOr<std::vector<std::string>>& disks) {
  if (!disks.ok()) return {};
  std::string kind = KindOfDisk(roots, disks->front());
  for (const std::string& disk : *disks) {
    if (KindOfDisk(roots, disk) != kind) return {};
  }
  return kind;
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
  if (const auto packs = ReadBatteries(roots); packs.ok()) {
    Set(map, inventory::kBattery, packs->empty() ? "no" : "yes");
  }
  Set(map, inventory::kGraphics, Graphics(roots));
}

}  // namespace

InventoryMap ReadInventory(const LinuxRoots& roots, const SystemDisk& disk) {
  InventoryMap map;
  AddSystem(roots, map);
  AddHardware(roots, map);
  if (disk.space.ok()) {
    Set(map, inventory::kDisk, std::to_string((disk.space->total_mib + 512) / 1024));
  }
  Set(map, inventory::kDiskKind, SystemDiskKind(roots, disk.disks));
  return map;
}

}  // namespace candor
