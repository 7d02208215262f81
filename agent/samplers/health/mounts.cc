#include "agent/samplers/health/mounts.h"

#include <algorithm>
#include <array>

#include "agent/samplers/support/text.h"

namespace candor {
namespace {

// The kernel writes blanks, tabs, newlines and backslashes as three octal digits.
std::string Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view digits = text.substr(i + 1, 3);
    const bool escape =
        text[i] == '\\' && digits.size() == 3 &&
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '7'; });
    if (!escape) {
      plain.push_back(text[i]);
      continue;
    }
    plain.push_back(
        static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0')));
    i += 3;
  }
  return plain;
}

// "36 35 98:0 /root /point options optional... - type source superoptions"
bool ParseMount(std::string_view line, Mount& mount) {
  const std::vector<std::string_view> fields = Split(line, ' ');
  if (fields.size() < 9) return false;
  const auto dash = std::find(fields.begin() + 6, fields.end(), "-");
  if (fields.end() - dash < 4) return false;
  const size_t colon = fields[2].find(':');
  if (colon == std::string_view::npos) return false;
  const auto major = ParseNumber<int>(fields[2].substr(0, colon));
  if (!major) return false;
  mount.major = *major;
  mount.device = fields[2];
  mount.point = Unescaped(fields[4]);
  mount.type = dash[1];
  mount.source = Unescaped(dash[2]);
  for (const std::string_view option : Split(dash[3], ',')) {
    constexpr std::string_view kUpper = "upperdir=";
    if (option == "ro") mount.read_only = true;
    if (option.starts_with(kUpper)) mount.upper = Unescaped(option.substr(kUpper.size()));
  }
  return true;
}

bool Holds(std::string_view point, std::string_view path) {
  if (point == "/" || point == path) return true;
  return path.size() > point.size() && path.starts_with(point) && path[point.size()] == '/';
}

bool InMemory(const Mount& mount) {
  return mount.type == "tmpfs" || mount.type == "ramfs" || mount.type == "rootfs";
}

bool OnDisk(const Mount& mount) {
  constexpr auto kOwnNumbers =
      std::to_array<std::string_view>({"btrfs", "zfs", "bcachefs", "ubifs", "jffs2"});
  if (mount.type.starts_with("fuse")) return false;
  return mount.major != 0 ||
         std::find(kOwnNumbers.begin(), kOwnNumbers.end(), mount.type) != kOwnNumbers.end();
}

// OK where the file system answers from this machine alone. Memory does, but it is no disk.
absl::Status AnswersHere(const std::vector<Mount>& mounts, const Mount& mount, bool memory_too) {
  if (OnDisk(mount)) return absl::OkStatus();
  if (InMemory(mount)) {
    return memory_too ? absl::OkStatus()
                      : absl::NotFoundError("the system's files are kept in memory, not on a disk");
  }
  if (mount.type == "overlay" && !mount.upper.empty()) {
    // In a container the folder is one of the host, whose mounts cannot be seen from here.
    const Mount* below = MountOf(mounts, mount.upper);
    const bool seen = below != nullptr && below->point != mount.point && below->type != "overlay";
    return seen ? AnswersHere(mounts, *below, memory_too) : absl::OkStatus();
  }
  return absl::NotFoundError(Concat("the system's files lie on a file system of type ", mount.type,
                                    ", which is not asked because it may never answer"));
}

}  // namespace

std::vector<Mount> ParseMounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  for (const std::string_view line : Split(mountinfo, '\n')) {
    if (mounts.size() >= kMountsMax) break;
    Mount mount;
    if (ParseMount(line, mount)) mounts.push_back(std::move(mount));
  }
  return mounts;
}

const Mount* MountOf(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* best = nullptr;
  for (const Mount& mount : mounts) {
    if (!Holds(mount.point, path)) continue;
    if (best == nullptr || mount.point.size() >= best->point.size()) best = &mount;
  }
  return best;
}

absl::StatusOr<Mount> SystemMount(const std::vector<Mount>& mounts) {
  const Mount* mount = MountOf(mounts, "/");
  if (mount != nullptr && (mount->read_only || InMemory(*mount))) mount = MountOf(mounts, "/var");
  if (mount == nullptr) return absl::NotFoundError("the system does not tell what is mounted");
  if (absl::Status may = AnswersHere(mounts, *mount, /*memory_too=*/false); !may.ok()) return may;
  return *mount;
}

absl::Status MayBeRead(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* mount = MountOf(mounts, path);
  if (mount == nullptr) return absl::NotFoundError("the system does not tell what is mounted");
  return AnswersHere(mounts, *mount, /*memory_too=*/true);
}

}  // namespace candor
