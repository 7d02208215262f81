// The inventory: properties of hardware and system by the keys of common/inventory_keys.h. Here is
// what turns the text of system files into values for people, and values into events. Pure
// functions, any thread. No serial number, no address, no user name is ever read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor::v1 {
class Inventory;
}

namespace candor {

using InventoryMap = std::map<std::string, std::string, std::less<>>;

constexpr size_t kInventoryValueBytesMax = 200;

// Name and major version from os-release text: "Debian 12", "Fedora 43", "Arch Linux"; and the full
// version where it says more. Empty where the text has no name.
std::string OsName(std::string_view os_release);
std::string OsBuild(std::string_view os_release, std::string_view debian_version);

// The processor's name from /proc/cpuinfo, without trademarks and clock; and how many there are.
std::string CpuName(std::string_view cpuinfo);
int CpuCount(std::string_view cpuinfo);

// Value of "KEY:  N kB" in /proc/meminfo, in KiB.
absl::StatusOr<int64_t> MemInfoKib(std::string_view meminfo, std::string_view key);

// What makers leave in DMI fields that they did not fill ("To be filled by O.E.M.") is nothing.
std::string DmiValue(std::string_view raw);
// Lenovo keeps the name people know in the product's version.
std::string DmiModel(std::string_view vendor, std::string_view product, std::string_view version);

// What /sys tells about a whole disk, each without white space around it; empty where it does not.
struct DiskTraits {
  std::string_view name = {};        // nvme0n1
  std::string_view rotational = {};  // "0" or "1"
  std::string_view vendor = {};
  std::string_view model = {};
  std::string_view card_type = {};  // of an mmcblk device: MMC or SD
};
// nvme, emmc, sd, virtual, ssd or hdd; empty where that cannot be told.
std::string DiskKind(const DiskTraits& disk);

// A graphics processor's maker and driver: "Intel (i915)". From a PCI device's class, vendor
// ("0x030000", "0x8086") and the name of its driver, which may be empty. Empty for other devices.
std::string GraphicsName(std::string_view pci_class, std::string_view vendor,
                         std::string_view driver);

// Printable, one line, cut at kInventoryValueBytesMax.
std::string CleanValue(std::string_view raw);

// Everything of `now`.
v1::Inventory CompleteInventory(const InventoryMap& now);
// What changed; nothing where all is as before.
std::optional<v1::Inventory> ChangedInventory(const InventoryMap& before, const InventoryMap& now);

}  // namespace candor
