// Keys of the inventory (candor.v1.Inventory), so that who reports and who shows use the same
// words. Values are text for people; a key whose value cannot be known is absent.
#pragma once

#include <string_view>

namespace candor::inventory {

constexpr std::string_view kHost = "host";               // host name; personal data
constexpr std::string_view kOs = "os";                   // "Debian 12"
constexpr std::string_view kOsBuild = "os_build";        // "12.11", "20.04.6 LTS": the full version
constexpr std::string_view kKernel = "kernel";           // "6.1.0-35-amd64"
constexpr std::string_view kArchitecture = "arch";       // "x86_64"
constexpr std::string_view kModel = "model";             // DMI product, never a serial number
constexpr std::string_view kVendor = "vendor";           // DMI maker
constexpr std::string_view kFirmware = "bios";           // DMI firmware version
constexpr std::string_view kCpu = "cpu";                 // the processor's own name
constexpr std::string_view kCores = "cores";             // logical processors
constexpr std::string_view kMemory = "memory_mib";       // installed memory the kernel sees
constexpr std::string_view kDisk = "disk_gib";           // size of the system disk's file system
constexpr std::string_view kDiskKind = "disk_kind";      // nvme | ssd | hdd | emmc | sd | virtual
constexpr std::string_view kBattery = "battery";         // yes | no
constexpr std::string_view kGraphics = "graphics";       // "Intel (i915), NVIDIA (nvidia)"
constexpr std::string_view kDesktop = "desktop";         // session types installed: "wayland, x11"
constexpr std::string_view kAgent = "agent";             // version of the agent
constexpr std::string_view kPackagePrefix = "package.";  // + name: version of a watched package

}  // namespace candor::inventory
