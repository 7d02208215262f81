// Which file system is the system's disk, and may it be asked? From the text of
// /proc/self/mountinfo (Linux's Documentation/filesystems/proc.rst, 3.5). Pure functions, any
// thread.
//
// statvfs on a network or FUSE file system whose other side is gone never returns. So only file
// systems that answer from this machine's own memory are asked: those on a block device, and the
// few local ones that have a device number of their own (btrfs, ZFS, UBIFS, overlays of these).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace candor {

struct Mount {
  int major = 0;       // 0: no block device
  std::string device;  // "MAJOR:MINOR"
  std::string point;
  std::string type;
  std::string source;
  std::string upper;       // an overlay's folder that is written
  bool read_only = false;  // the file system itself, not only this view of it
};

constexpr size_t kMountsMax = 4096;

// In the table's order; lines that are none are passed over.
std::vector<Mount> ParseMounts(std::string_view mountinfo);

// What holds `path`: the deepest mount above it, the last of several on one point; null for none.
const Mount* MountOf(const std::vector<Mount>& mounts, std::string_view path);

// The file system that fills up: "/", or where that is an image that nobody writes to, or memory,
// "/var". NotFound with the reason where it is none that may be asked.
absl::StatusOr<Mount> SystemMount(const std::vector<Mount>& mounts);

// Whether what lies below `path` may be read by who must not wait; an error is the reason why not.
absl::Status MayBeRead(const std::vector<Mount>& mounts, std::string_view path);

}  // namespace candor
