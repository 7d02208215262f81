#include "agent/samplers/health/linux_system_disk.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "agent/samplers/health/inventory.h"
#include "agent/samplers/support/text.h"
#include "common/files.h"
#include "common/status.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

// Encrypted and logical volumes stacked on each other, and disks beside each other.
constexpr int kVolumesDeepMax = 8;
constexpr size_t kDisksMax = 16;
constexpr size_t kMountInfoBytesMax = 1 << 20;

std::string Attribute(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, 4096);
  return text.ok() ? std::string(Trim(*text)) : std::string();
}

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  return names;
}

std::string BlockFolder(const LinuxRoots& roots, std::string_view name) {
  return Concat(roots.sys, "/class/block/", name);
}

// The kernel's name of a mapped volume (/dev/mapper/NAME). Looked up in /sys: the daemon's own /dev
// holds no disks.
std::string MappedVolume(const LinuxRoots& roots, std::string_view name) {
  for (const std::string& device : NamesIn(Concat(roots.sys, "/class/block"))) {
    if (!device.starts_with("dm-")) continue;
    if (Attribute(Concat(BlockFolder(roots, device), "/dm/name")) == name) return device;
  }
  return {};
}

// The block device that a mount names; empty where it names none.
std::string DeviceOf(const LinuxRoots& roots, const Mount& mount) {
  std::error_code error;
  if (mount.major != 0) {
    // By number first: the kernel calls a root that it mounted itself "/dev/root".
    const fs::path real = fs::canonical(Concat(roots.sys, "/dev/block/", mount.device), error);
    if (!error) return real.filename().string();
  }
  constexpr std::string_view kDev = "/dev/";
  constexpr std::string_view kMapper = "/dev/mapper/";
  const std::string_view source = mount.source;
  if (source.starts_with(kMapper)) return MappedVolume(roots, source.substr(kMapper.size()));
  if (!source.starts_with(kDev)) return {};
  const std::string name(source.substr(kDev.size()));
  return name.find('/') == std::string::npos ? name : std::string();
}

// A btrfs over several devices names only one of them in the mount table.
std::vector<std::string> BtrfsDevices(const LinuxRoots& roots, const std::string& device) {
  const std::string all = Concat(roots.sys, "/fs/btrfs");
  for (const std::string& id : NamesIn(all)) {
    const std::string folder = Concat(all, "/", id, "/devices");
    std::error_code ignored;
    if (fs::exists(Concat(folder, "/", device), ignored)) return NamesIn(folder);
  }
  return {device};
}

void AddDisks(const LinuxRoots& roots, const std::string& device, int depth,
              std::set<std::string>& disks) {
  if (depth > kVolumesDeepMax || disks.size() > kDisksMax) return;
  const std::string folder = BlockFolder(roots, device);
  const std::vector<std::string> below = NamesIn(Concat(folder, "/slaves"));
  for (const std::string& name : below) AddDisks(roots, name, depth + 1, disks);
  if (!below.empty()) return;
  std::error_code error;
  if (!fs::exists(Concat(folder, "/partition"), error)) {
    if (fs::exists(folder, error)) disks.insert(device);
    return;
  }
  const fs::path real = fs::canonical(folder, error);
  if (!error) AddDisks(roots, real.parent_path().filename().string(), depth + 1, disks);
}

bool MadeInSoftware(std::string_view disk) {
  for (const std::string_view prefix : {"loop", "zram", "ram", "dm-", "md", "nbd", "rbd", "drbd"}) {
    if (disk.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Mount> FindSystemMount(const LinuxRoots& roots) {
  const absl::StatusOr<std::string> text =
      ReadFile(Concat(roots.proc, "/self/mountinfo"), kMountInfoBytesMax);
  if (!text.ok()) return absl::NotFoundError("the system does not tell what is mounted");
  return SystemMount(ParseMounts(*text));
}

absl::Status VarMayBeRead(const LinuxRoots& roots) {
  const absl::StatusOr<std::string> text =
      ReadFile(Concat(roots.proc, "/self/mountinfo"), kMountInfoBytesMax);
  return text.ok() ? MayBeRead(ParseMounts(*text), "/var") : absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> DisksBehind(const LinuxRoots& roots, const Mount& mount) {
  const absl::Status unknown =
      absl::NotFoundError("the system does not tell which disk holds its files");
  const std::string device = DeviceOf(roots, mount);
  if (device.empty()) return unknown;
  std::set<std::string> disks;
  if (mount.type == "btrfs") {
    for (const std::string& name : BtrfsDevices(roots, device)) AddDisks(roots, name, 0, disks);
  } else {
    AddDisks(roots, device, 0, disks);
  }
  if (disks.empty()) return unknown;
  if (std::any_of(disks.begin(), disks.end(), MadeInSoftware)) {
    return absl::NotFoundError("the system's files lie on a disk that is made in software");
  }
  return std::vector<std::string>(disks.begin(), disks.end());
}

absl::StatusOr<std::string> OneDisk(const absl::StatusOr<std::vector<std::string>>& disks) {
  if (!disks.ok()) return disks.status();
  if (disks->size() == 1) return disks->front();
  return absl::NotFoundError("the system's files are spread over several disks");
}

std::string KindOfDisk(const LinuxRoots& roots, const std::string& disk) {
  const std::string folder = BlockFolder(roots, disk);
  return DiskKind({.name = disk,
                   .rotational = Attribute(Concat(folder, "/queue/rotational")),
                   .vendor = Attribute(Concat(folder, "/device/vendor")),
                   .model = Attribute(Concat(folder, "/device/model")),
                   .card_type = Attribute(Concat(folder, "/device/type"))});
}

}  // namespace candor
