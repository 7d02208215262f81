#include <sys/stat.h>

#include <filesystem>

#include "agent/samplers/responsiveness/app_scopes.h"
#include "common/files.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

// Sub-folders of `folder` whose name fits.
template <typename Fits>
std::vector<fs::path> SubFolders(const fs::path& folder, Fits fits) {
  std::vector<fs::path> found;
  std::error_code ec;
  for (fs::directory_iterator at(folder, ec), end; !ec && at != end; at.increment(ec)) {
    if (found.size() >= kAppGroupsMax) break;
    std::error_code ignored;
    if (at->is_directory(ignored) && fits(at->path().filename().string())) {
      found.push_back(at->path());
    }
  }
  return found;
}

bool ReadGroup(const fs::path& folder, AppGroup& group) {
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) return false;
  group.id = status.st_ino;
  group.name = folder.filename().string();
  for (size_t kind = 0; kind < kPressureKinds.size(); ++kind) {
    const auto text =
        ReadFile((folder / (std::string(kPressureKinds[kind]) + ".pressure")).string(), 4096);
    if (!text.ok()) return false;
    const auto total = ParseSomeTotalUs(*text);
    if (!total) return false;
    group.totals_us[kind] = *total;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::vector<AppGroup>> ReadAppGroups(const std::string& sys) {
  const fs::path root = fs::path(sys) / "fs/cgroup";
  std::error_code ec;
  if (!fs::exists(root / "cgroup.controllers", ec)) {
    return absl::NotFoundError("no control groups of version 2 at " + root.string());
  }
  const auto users = SubFolders(root / "user.slice", [](const std::string& name) {
    return name.starts_with("user-") && name.ends_with(".slice");
  });
  std::vector<AppGroup> groups;
  size_t slices = 0;
  size_t unreadable = 0;
  for (const fs::path& user : users) {
    const std::string uid = user.stem().string().substr(5);
    const fs::path slice = user / ("user@" + uid + ".service") / "app.slice";
    if (!fs::exists(slice, ec)) continue;
    ++slices;
    const auto folders = SubFolders(slice, [](const std::string& name) {
      return name.ends_with(".scope") || name.ends_with(".service");
    });
    for (const fs::path& folder : folders) {
      if (groups.size() >= kAppGroupsMax) return groups;
      AppGroup group;
      if (ReadGroup(folder, group)) {
        groups.push_back(std::move(group));
      } else {
        ++unreadable;
      }
    }
  }
  if (slices == 0) return absl::NotFoundError("no desktop session keeps applications in app.slice");
  if (groups.empty() && unreadable > 0) {
    return absl::NotFoundError("control groups keep no pressure figures here");
  }
  return groups;
}

bool IsSandboxedApplication(const std::string& var, std::string_view application) {
  const std::string id(application);
  std::error_code ec;
  if (fs::exists(var + "/lib/flatpak/exports/share/applications/" + id + ".desktop", ec)) {
    return true;
  }
  // snapd names desktop files SNAP_APP.desktop.
  fs::directory_iterator snaps(var + "/lib/snapd/desktop/applications", ec);
  for (; !ec && snaps != fs::directory_iterator(); snaps.increment(ec)) {
    if (snaps->path().filename().string().starts_with(id + "_")) return true;
  }
  return false;
}

}  // namespace candor
