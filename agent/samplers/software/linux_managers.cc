#include "agent/samplers/software/linux_managers.h"

#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <vector>

#include "agent/samplers/health/linux_deb_packages.h"
#include "agent/samplers/software/flatpak_deploy.h"
#include "agent/samplers/support/owner.h"
#include "agent/samplers/support/text.h"
#include "common/files.h"
#include "common/status.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kEntriesMax = SoftwareLimits::kPackagesMax;
constexpr size_t kBranchesMax = 64;
constexpr size_t kDeployBytesMax = 1 << 20;
constexpr size_t kSnapYamlBytesMax = 64 << 10;
constexpr size_t kCommitDigits = 12;
// So many folders are looked at before others have their turn.
constexpr size_t kFoldersAtOnce = 16;

absl::Status TooMany() {
  return absl::ResourceExhaustedError(
      Concat("more than ", std::to_string(SoftwareLimits::kPackagesMax), " packages"));
}

std::string FlatpakFolder(const LinuxRoots& roots) { return Concat(roots.var, "/lib/flatpak"); }
std::string PacmanFolder(const LinuxRoots& roots) { return Concat(roots.var, "/lib/pacman/local"); }

// Where snaps are mounted: /snap, or where a distribution has no folder there, snapd's own.
std::string SnapFolder(const LinuxRoots& roots) {
  std::error_code error;
  if (fs::is_directory(roots.snap, error)) return roots.snap;
  return Concat(roots.var, "/lib/snapd/snap");
}

// When a file or folder changed, and which one it is; empty where there is none.
std::string FileStamp(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return {};
  return Concat(std::to_string(facts.st_mtim.tv_sec), ".", std::to_string(facts.st_mtim.tv_nsec),
                "/", std::to_string(facts.st_size), "/", std::to_string(facts.st_ino), " ");
}

// Names in a folder, sorted, so that what is read does not hang on how a disk keeps them.
absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& folder, size_t most) {
  std::error_code error;
  fs::directory_iterator at(folder, error);
  if (error) return ErrnoStatus(error.value(), folder);
  std::vector<std::string> names;
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    if (names.size() >= most) return TooMany();
    names.push_back(at->path().filename().string());
  }
  if (error) return ErrnoStatus(error.value(), folder);
  std::sort(names.begin(), names.end());
  return names;
}

// "143", or "x1" of a snap that somebody built.
bool IsRevision(std::string_view text) {
  if (text.starts_with('x')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The revision that a snap's "current" names; nothing where it names none.
std::optional<std::string> CurrentRevision(const std::string& folder) {
  std::error_code error;
  const std::string target = fs::read_symlink(folder + "/current", error).string();
  if (error || !IsRevision(target)) return std::nullopt;
  return target;
}

std::string SnapStamp(const std::string& folder) {
  std::string stamp;
  for (const std::string& name :
       NamesIn(folder, kEntriesMax).value_or(std::vector<std::string>())) {
    if (const auto revision = CurrentRevision(Concat(folder, "/", name))) {
      stamp.append(Concat(name, "=", *revision, " "));
    }
  }
  return stamp.empty() ? FileStamp(folder) : stamp;
}

bool IsThere(std::string_view status) {
  return !status.ends_with(" not-installed") && !status.ends_with(" config-files");
}

// "NAME:ARCHITECTURE" becomes NAME where the architecture is the system's own or does not matter.
SoftwareList NamedAsDpkgDoes(SoftwareList by_architecture, const std::string& native) {
  SoftwareList list;
  while (!by_architecture.empty()) {
    auto node = by_architecture.extract(by_architecture.begin());
    std::string& name = node.key();
    const size_t colon = std::min(name.rfind(':'), name.size());
    const std::string architecture = name.substr(std::min(colon + 1, name.size()));
    if (architecture.empty() || architecture == "all" || architecture == native) {
      name.resize(colon);
    }
    list.insert(std::move(node));
  }
  return list;
}

boost::asio::awaitable<absl::StatusOr<SoftwareList>> ReadDeb(boost::asio::io_context& io,
                                                             std::string path) {
  SoftwareList list;
  std::string native;
  bool full = false;
  const absl::Status status = co_await ForEachDebPackage(io, path, [&](const DebPackage& package) {
    if (!IsThere(package.status)) return;
    if (package.name == "dpkg") native = package.architecture;
    const std::string name = Concat(package.name, ":", package.architecture);
    full = !AddSoftware(name, package.version, list) || full;
  });
  if (!status.ok()) co_return status;
  if (full) co_return TooMany();
  if (list.empty()) co_return absl::NotFoundError("dpkg lists no installed package");
  co_return NamedAsDpkgDoes(std::move(list), native);
}

bool IsFlatpakPart(std::string_view id) {
  return id.ends_with(".Locale") || id.ends_with(".Debug") || id.ends_with(".Sources");
}

struct FlatpakRef {
  bool app = false;
  std::string id;
  std::string architecture;
  std::string branch;
};

std::string FlatpakName(const FlatpakRef& ref, const SoftwareList& list) {
  std::string name = ref.app && ref.branch == "stable" ? ref.id : Concat(ref.id, "//", ref.branch);
  if (list.contains(name)) name = Concat(ref.id, "/", ref.architecture, "/", ref.branch);
  return name;
}

// One branch of one application or runtime; nothing where none of it is deployed.
absl::Status AddFlatpak(const std::string& folder, const FlatpakRef& ref, SoftwareList& list) {
  std::error_code error;
  const std::string commit = fs::read_symlink(folder + "/active", error).filename().string();
  if (error) return absl::OkStatus();
  const absl::StatusOr<std::string> deploy = ReadFile(folder + "/active/deploy", kDeployBytesMax);
  if (absl::IsPermissionDenied(deploy.status())) return deploy.status();
  if (!deploy.ok()) return absl::OkStatus();
  std::string version = AppdataVersion(*deploy);
  if (Trim(version).empty()) version = commit.substr(0, kCommitDigits);
  return AddSoftware(FlatpakName(ref, list), version, list) ? absl::OkStatus() : TooMany();
}

absl::Status AddFlatpaksOf(const std::string& folder, FlatpakRef ref, SoftwareList& list) {
  const auto architectures = NamesIn(Concat(folder, "/", ref.id), kBranchesMax);
  if (!architectures.ok()) return absl::OkStatus();
  for (const std::string& architecture : *architectures) {
    if (architecture == "current" || architecture == "data") continue;
    const std::string below = Concat(folder, "/", ref.id, "/", architecture);
    const auto branches = NamesIn(below, kBranchesMax);
    if (!branches.ok()) continue;
    for (const std::string& branch : *branches) {
      ref.architecture = architecture;
      ref.branch = branch;
      CANDOR_RETURN_IF_ERROR(AddFlatpak(Concat(below, "/", branch), ref, list));
    }
  }
  return absl::OkStatus();
}

boost::asio::awaitable<absl::StatusOr<SoftwareList>> ReadFlatpak(boost::asio::io_context& io,
                                                                 std::string folder) {
  SoftwareList list;
  for (const bool app : {true, false}) {
    const std::string below = folder + (app ? "/app" : "/runtime");
    const absl::StatusOr<std::vector<std::string>> ids = NamesIn(below, kEntriesMax);
    if (absl::IsNotFound(ids.status())) continue;
    if (!ids.ok()) co_return ids.status();
    size_t looked = 0;
    for (const std::string& id : *ids) {
      if (!app && IsFlatpakPart(id)) continue;
      FlatpakRef ref;
      ref.app = app;
      ref.id = id;
      const absl::Status status = AddFlatpaksOf(below, std::move(ref), list);
      if (!status.ok()) co_return status;
      if (++looked % kFoldersAtOnce == 0)
        co_await boost::asio::post(io, boost::asio::use_awaitable);
    }
  }
  co_return list;
}

// "bash-5.2.037-1" is bash, 5.2.037-1.
absl::Status AddPacman(std::string_view folder, SoftwareList& list) {
  const size_t release = folder.rfind('-');
  if (release == std::string_view::npos || release == 0) return absl::OkStatus();
  const size_t version = folder.rfind('-', release - 1);
  if (version == std::string_view::npos) return absl::OkStatus();
  return AddSoftware(folder.substr(0, version), folder.substr(version + 1), list) ? absl::OkStatus()
                                                                                  : TooMany();
}

absl::StatusOr<SoftwareList> ReadPacman(const std::string& folder) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(folder, kEntriesMax));
  SoftwareList list;
  for (const std::string& name : names) CANDOR_RETURN_IF_ERROR(AddPacman(name, list));
  return list;
}

boost::asio::awaitable<absl::StatusOr<SoftwareList>> ReadSnap(boost::asio::io_context& io,
                                                              std::string folder) {
  const absl::StatusOr<std::vector<std::string>> names = NamesIn(folder, kEntriesMax);
  if (!names.ok()) co_return names.status();
  SoftwareList list;
  size_t looked = 0;
  for (const std::string& name : *names) {
    const auto revision = CurrentRevision(Concat(folder, "/", name));
    if (!revision) continue;
    const absl::StatusOr<std::string> yaml =
        ReadFile(Concat(folder, "/", name, "/", *revision, "/meta/snap.yaml"), kSnapYamlBytesMax);
    std::string version = yaml.ok() ? SnapVersion(*yaml) : std::string();
    if (version.empty()) version = *revision;
    if (!AddSoftware(name, version, list)) co_return TooMany();
    if (++looked % kFoldersAtOnce == 0) co_await boost::asio::post(io, boost::asio::use_awaitable);
  }
  co_return list;
}

}  // namespace

std::string SoftwareStamp(const LinuxRoots& roots, std::string_view manager) {
  if (manager == software_manager::kDeb) return FileStamp(DpkgStatusFile(roots));
  if (manager == software_manager::kPacman) return FileStamp(PacmanFolder(roots));
  if (manager == software_manager::kSnap) return SnapStamp(SnapFolder(roots));
  // Touched by flatpak after everything it installs, updates or removes.
  const std::string folder = FlatpakFolder(roots);
  return Concat(FileStamp(folder + "/.changed"), FileStamp(folder + "/app"),
                FileStamp(folder + "/runtime"));
}

boost::asio::awaitable<absl::StatusOr<SoftwareList>> ReadSoftware(boost::asio::io_context& io,
                                                                  LinuxRoots roots,
                                                                  std::string manager) {
  if (SoftwareStamp(roots, manager).empty()) {
    co_return absl::NotFoundError(Concat("no ", manager, " here"));
  }
  if (manager == software_manager::kDeb) co_return co_await ReadDeb(io, DpkgStatusFile(roots));
  if (manager == software_manager::kPacman) co_return ReadPacman(PacmanFolder(roots));
  if (manager == software_manager::kSnap) co_return co_await ReadSnap(io, SnapFolder(roots));
  co_return co_await ReadFlatpak(io, FlatpakFolder(roots));
}

bool HasRpm(const LinuxRoots& roots) {
  const std::string paths[] = {Concat(roots.usr, "/lib/sysimage/rpm/rpmdb.sqlite"),
                               Concat(roots.var, "/lib/rpm/rpmdb.sqlite"),
                               Concat(roots.var, "/lib/rpm/Packages")};
  return std::any_of(std::begin(paths), std::end(paths),
                     [](const std::string& path) { return !FileStamp(path).empty(); });
}

}  // namespace candor
