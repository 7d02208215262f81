#include "agent/samplers/support/linux_owner.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "agent/samplers/support/clean_text.h"
#include "agent/samplers/support/text.h"
#include "common/files.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFilesPerTurn = 16;
constexpr size_t kListsMax = 20'000;

std::string BaseName(std::string_view path) {
  return CleanText(path.substr(path.rfind('/') + 1), kNameBytesMax);
}

// Reads in blocks, so that no list has to fit into memory.
bool HasLine(const std::string& path, const std::vector<std::string>& lines) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (std::find(lines.begin(), lines.end(), line) != lines.end()) return true;
  }
  return false;
}

}  // namespace

bool LinuxOwners::HasPackages() const {
  std::error_code ignored;
  return fs::exists(Concat(roots_.var, "/lib/dpkg/status"), ignored) &&
         fs::exists(Concat(roots_.var, "/lib/dpkg/info"), ignored);
}

boost::asio::awaitable<ProgramName> LinuxOwners::NameOf(ProgramClues clues) {
  if (auto app = FlatpakOf(clues.cgroup)) {
    co_return ProgramName{*std::move(app), "", true};
  }
  const std::string executable(WithoutDeleted(clues.executable));
  if (const auto snap = SnapOf(executable)) co_return FromSnap(*snap);
  if (clues.contained) co_return ProgramName{};
  NoticeChanges();
  const std::string& key = executable.empty() ? clues.task : executable;
  if (const auto kept = kept_.find(key); kept != kept_.end()) co_return kept->second;
  std::vector<std::string> paths = UsualPaths(clues.task);
  if (!executable.empty()) paths.assign(1, executable);
  ProgramName name = co_await FromPackages(std::move(paths));
  if (kept_.size() >= kKeptMax) kept_.clear();
  kept_.emplace(key, name);
  co_return name;
}

boost::asio::awaitable<ProgramName> LinuxOwners::FromPackages(std::vector<std::string> paths) {
  if (paths.empty()) co_return ProgramName{};
  // Merged folders: whichever of the two a package lists.
  std::vector<std::string> lines;
  for (const std::string& path : paths) {
    for (std::string& variant : PathVariants(path)) lines.push_back(std::move(variant));
  }
  const auto executor = co_await boost::asio::this_coro::executor;
  std::error_code error;
  fs::directory_iterator at(Concat(roots_.var, "/lib/dpkg/info"), error);
  for (size_t seen = 1; !error && at != fs::directory_iterator() && seen < kListsMax;
       at.increment(error)) {
    const auto package = PackageOfListFile(at->path().filename().string());
    if (!package) continue;
    if (HasLine(at->path().string(), lines)) {
      co_return ProgramName{BaseName(paths.front()), VersionOf(*package), true};
    }
    if (++seen % kFilesPerTurn == 0) {
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }
  }
  co_return ProgramName{};
}

std::string LinuxOwners::VersionOf(const PackageName& package) const {
  std::ifstream status(Concat(roots_.var, "/lib/dpkg/status"));
  PackageVersionReader reader(package);
  std::string line;
  while (std::getline(status, line)) {
    if (reader.Line(line)) break;
  }
  return reader.version();
}

ProgramName LinuxOwners::FromSnap(const SnapPlace& snap) const {
  const absl::StatusOr<std::string> yaml =
      ReadFile(Concat("/snap/", snap.name, "/", snap.revision, "/meta/snap.yaml"), 1 << 16);
  return ProgramName{snap.name, yaml.ok() ? SnapVersion(*yaml) : snap.revision, true};
}

void LinuxOwners::NoticeChanges() {
  std::error_code error;
  const auto changed = fs::last_write_time(Concat(roots_.var, "/lib/dpkg/status"), error);
  const int64_t now = error ? 0 : changed.time_since_epoch().count();
  if (now == database_changed_) return;
  database_changed_ = now;
  kept_.clear();
}

}  // namespace candor
