#include "agent/samplers/health/linux_updates.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "agent/samplers/health/linux_deb_packages.h"
#include "agent/samplers/health/telling.h"
#include "agent/samplers/support/cursors.h"
#include "agent/samplers/support/text.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMsPerDay = 86'400'000;
constexpr int64_t kFreshDays = 14;
constexpr size_t kListsMax = 64;

struct FileFacts {
  int64_t changed_ms = 0;
  int64_t bytes = 0;
};

std::optional<FileFacts> FactsOf(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return std::nullopt;
  return FileFacts{
      .changed_ms = int64_t{facts.st_mtim.tv_sec} * 1000 + facts.st_mtim.tv_nsec / 1'000'000,
      .bytes = facts.st_size};
}

std::string ListsFolder(const LinuxRoots& roots) { return Concat(roots.var, "/lib/apt/lists"); }

// When apt last asked its servers: a list that has not changed there keeps the server's time, so
// that only the folder in which apt works, and the stamps of who runs it, tell.
int64_t RefreshedMs(const LinuxRoots& roots) {
  int64_t latest_ms = 0;
  for (const char* path :
       {"/lib/apt/lists", "/lib/apt/lists/partial", "/lib/apt/periodic/update-stamp",
        "/lib/apt/periodic/update-success-stamp"}) {
    if (const auto facts = FactsOf(Concat(roots.var, path))) {
      latest_ms = std::max(latest_ms, facts->changed_ms);
    }
  }
  return latest_ms;
}

// "security.ubuntu.com_ubuntu_dists_noble-security_main_binary-amd64_Packages"; NotFound with the
// reason where there is none to be read.
absl::StatusOr<std::vector<std::string>> SecurityLists(const LinuxRoots& roots) {
  std::vector<std::string> lists;
  bool compressed = false;
  std::error_code error;
  fs::directory_iterator at(ListsFolder(roots), error);
  for (; !error && at != fs::directory_iterator() && lists.size() < kListsMax;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    const size_t packages = name.rfind("_Packages");
    if (packages == std::string::npos || name.find("-security_") == std::string::npos) continue;
    if (packages + std::string_view("_Packages").size() == name.size()) {
      lists.push_back(at->path().string());
    } else {
      compressed = true;
    }
  }
  std::sort(lists.begin(), lists.end());
  if (!lists.empty()) return lists;
  return absl::NotFoundError(compressed ? "apt keeps its lists compressed here"
                                        : "apt has no list of security updates here");
}

// SecurityLists, unless they are so old that they say nothing about today.
absl::StatusOr<std::vector<std::string>> FreshLists(const LinuxRoots& roots, int64_t wall_ms) {
  absl::StatusOr<std::vector<std::string>> lists = SecurityLists(roots);
  const int64_t age_days = (wall_ms - RefreshedMs(roots)) / kMsPerDay;
  if (!lists.ok() || age_days <= kFreshDays) return lists;
  return absl::UnavailableError(
      Concat("apt has not refreshed its lists for ", std::to_string(age_days), " days"));
}

}  // namespace

UpdatesSampler::UpdatesSampler(const SamplerContext& context)
    : context_(context),
      waiting_(context.saved_cursor(cursor::kSecurityUpdates)),
      waiting_text_(waiting_.Text()) {}

boost::asio::awaitable<void> UpdatesSampler::SampleSlowly(Tick tick, absl::Status var) {
  context_.recorder.Gauge(metric::kUptime, "", tick.boottime_ms / kMsPerDay);
  SamplePackagesAge(tick, var);
  SampleReboot();
  co_await SampleSecurity(tick, std::move(var));
}

boost::asio::awaitable<void> UpdatesSampler::SampleSecurity(Tick tick, absl::Status var) {
  std::vector<std::string> lists;
  absl::Status status = std::move(var);
  if (status.ok()) {
    absl::StatusOr<std::vector<std::string>> fresh = FreshLists(context_.roots, tick.wall_ms);
    status = fresh.status();
    if (fresh.ok()) lists = *std::move(fresh);
  }
  if (status.ok()) status = co_await Count(std::move(lists));
  const bool told = TellWhether(context_.recorder, metric::kSecurityUpdates, status);
  TellWhether(context_.recorder, metric::kSecurityUpdatesAge, status);
  if (!told) co_return;
  const int64_t day = LocalDay(tick.wall_ms, context_.clock.UtcOffsetMin(tick.wall_ms));
  waiting_.Update(pending_, day);
  if (std::string text = waiting_.Text(); text != waiting_text_) {
    context_.recorder.SetCursor(cursor::kSecurityUpdates, text);
    waiting_text_ = std::move(text);
  }
  context_.recorder.Gauge(metric::kSecurityUpdates, "", static_cast<int64_t>(pending_.size()));
  context_.recorder.Gauge(metric::kSecurityUpdatesAge, "", waiting_.LongestDays(day));
}

boost::asio::awaitable<absl::Status> UpdatesSampler::Count(std::vector<std::string> lists) {
  std::string read_as;
  std::vector<std::string> files = lists;
  files.push_back(DpkgStatusFile(context_.roots));
  for (const std::string& file : files) {
    const FileFacts facts = FactsOf(file).value_or(FileFacts{});
    read_as.append(Concat(file, " ", std::to_string(facts.changed_ms), " ",
                          std::to_string(facts.bytes), "\n"));
  }
  if (read_as == read_as_) co_return counted_;
  DebUpdates updates;
  absl::Status status =
      co_await ForEachDebPackage(context_.io, DpkgStatusFile(context_.roots),
                                 [&](const DebPackage& package) { updates.AddInstalled(package); });
  if (status.ok() && updates.installed() == 0) {
    status = absl::NotFoundError("dpkg lists no installed package");
  }
  for (const std::string& list : lists) {
    if (!status.ok()) break;
    status = co_await ForEachDebPackage(
        context_.io, list, [&](const DebPackage& package) { updates.AddAvailable(package); });
  }
  pending_ = updates.pending();
  counted_ = status;
  read_as_ = std::move(read_as);
  co_return counted_;
}

void UpdatesSampler::SamplePackagesAge(const Tick& tick, const absl::Status& var) {
  if (!TellWhether(context_.recorder, metric::kPackagesAge, var)) return;
  const LinuxRoots& roots = context_.roots;
  int64_t changed_ms = 0;
  for (const std::string& path :
       {DpkgStatusFile(roots), Concat(roots.usr, "/lib/sysimage/rpm/rpmdb.sqlite"),
        Concat(roots.var, "/lib/rpm/rpmdb.sqlite"), Concat(roots.var, "/lib/pacman/local")}) {
    if (const auto facts = FactsOf(path)) changed_ms = std::max(changed_ms, facts->changed_ms);
  }
  absl::Status status;
  if (changed_ms == 0) status = absl::NotFoundError("no package manager that is known keeps books");
  if (changed_ms > tick.wall_ms) {
    status = absl::UnavailableError(
        "packages changed at a time that is still to come: the clock "
        "was, or is, wrong");
  }
  if (!TellWhether(context_.recorder, metric::kPackagesAge, status)) return;
  context_.recorder.Gauge(metric::kPackagesAge, "", (tick.wall_ms - changed_ms) / kMsPerDay);
}

void UpdatesSampler::SampleReboot() {
  const LinuxRoots& roots = context_.roots;
  const auto exists = [](const std::string& path) { return FactsOf(path).has_value(); };
  const bool required = exists(Concat(roots.run, "/reboot-required"));
  const bool would_say =
      required || exists(Concat(roots.usr, "/share/update-notifier/notify-reboot-required")) ||
      exists(Concat(roots.etc, "/kernel/postinst.d/unattended-upgrades"));
  const absl::Status status =
      would_say ? absl::OkStatus()
                : absl::NotFoundError("nothing here tells whether an update asks for a restart");
  if (!TellWhether(context_.recorder, metric::kRebootRequired, status)) return;
  context_.recorder.Gauge(metric::kRebootRequired, "", required ? 1 : 0);
}

}  // namespace candor
