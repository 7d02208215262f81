#include "tests/laptop/container.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "common/hash.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/locked_file.h"

namespace candor::testing {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDebootstrapMs = 900'000;
constexpr int64_t kBootMs = 120'000;
constexpr int64_t kPowerOffMs = 30'000;
constexpr char kSystem[] =
    "systemd,systemd-sysv,systemd-coredump,dbus,libpam-systemd,ca-certificates,procps";
// A person's own bus, an application of theirs, and another distribution's package manager.
constexpr std::array kMore = {"dbus-user-session", "l3afpad", "rpm"};

std::string Slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Value of KEY= in this machine's os-release.
std::string OsRelease(const std::string& key) {
  std::istringstream lines(Slurp("/etc/os-release"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + "=")) return line.substr(key.size() + 1);
  }
  return {};
}

// The container's Debian is this machine's, so that the programs built here run there.
std::string Suite() {
  const std::string suite = OsRelease("VERSION_CODENAME");
  return suite.empty() ? "bookworm" : suite;
}

// The Debian packages of the libraries that this build's programs load.
std::set<std::string> RuntimePackages() {
  std::vector<std::string> words = {"dpkg-query", "--search"};
  for (const char* program :
       {"candor-agent", "candor-uplink", "candor-session", "candor-collector", "candor"}) {
    std::istringstream lines(RequireSuccess(RunProgram({"ldd", ProgramPath(program)}), "ldd").out);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream fields(line);
      std::string name, arrow, path;
      if (!(fields >> name >> arrow >> path) || arrow != "=>") continue;
      // Below / or /usr, whichever of the two the package knows.
      if (path.starts_with("/usr")) path.erase(0, 4);
      words.push_back("*" + path);
    }
  }
  std::set<std::string> packages;
  std::istringstream lines(RunProgram(words).out);
  for (std::string line; std::getline(lines, line);) {
    const std::string package = line.substr(0, line.find(':'));
    if (package.find(' ') == std::string::npos) packages.insert(package);
  }
  return packages;
}

// Installs packages with what they depend on into a tree that does not run.
void InstallInto(const std::string& tree, const std::set<std::string>& packages) {
  fs::copy_file("/etc/resolv.conf", tree + "/etc/resolv.conf",
                fs::copy_options::overwrite_existing);
  // What would have to survive a power cut is made anew in a minute.
  std::ofstream(tree + "/etc/dpkg/dpkg.cfg.d/unsafe-io") << "force-unsafe-io\n";
  const std::map<std::string, std::string> quiet = {{"DEBIAN_FRONTEND", "noninteractive"},
                                                    {"LC_ALL", "C"}};
  RequireSuccess(RunProgram({"chroot", tree, "apt-get", "update", "-qq"}, kDebootstrapMs, quiet),
                 "apt-get update for the laptop's system tree");
  std::vector<std::string> words = {
      "chroot", tree, "apt-get", "install", "-qq", "-y", "--no-install-recommends"};
  words.insert(words.end(), packages.begin(), packages.end());
  RequireSuccess(RunProgram(words, kDebootstrapMs, quiet),
                 "installing into the laptop's system tree");
}

std::string CacheFolder() {
  const char* cache = std::getenv("CANDOR_CACHE");
  return cache != nullptr && *cache != '\0' ? cache : CANDOR_BINARY_DIR;
}

// Makes the system tree unless it is there; other tests wait meanwhile.
std::string MadeSystemTree() {
  const std::string cache = CacheFolder();
  fs::create_directories(cache);
  std::set<std::string> packages = RuntimePackages();
  packages.insert(kMore.begin(), kMore.end());
  std::string all = kSystem;
  for (const std::string& package : packages) all += "," + package;
  const std::string tree =
      cache + "/laptop-root-" + Suite() + "-" + ToHex(Sha256(all)).substr(0, 8);
  const Descriptor lock = LockedFile(tree + ".lock");
  if (!fs::exists(tree)) {
    const std::string unfinished = tree + ".unfinished";
    fs::remove_all(unfinished);
    const char* mirror = std::getenv("CANDOR_MIRROR");
    std::vector<std::string> words = {"debootstrap", "--variant=minbase",
                                      std::string("--include=") + kSystem, Suite(), unfinished};
    if (mirror != nullptr) words.emplace_back(mirror);
    const Outcome made = RunProgram(words, kDebootstrapMs);
    if (made.exit_code != 0) {
      throw std::runtime_error("debootstrap failed: " + made.err + made.out);
    }
    InstallInto(unfinished, packages);
    // A machine id of its own at each boot.
    std::ofstream(unfinished + "/etc/machine-id").close();
    fs::rename(unfinished, tree);
  }
  return tree;
}

pid_t FirstChildOf(pid_t parent) {
  std::ifstream children("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) +
                         "/children");
  pid_t child = -1;
  children >> child;
  return children ? child : -1;
}

void SleepMs(int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

std::string SystemTree() {
  static const std::string tree = MadeSystemTree();
  return tree;
}

// Not below /tmp, of which the laptop has one of its own.
Disk::Disk(const std::string& tree) : folder_(CacheFolder()) {
  for (const char* part : {"root", "upper", "work"}) fs::create_directory(folder_.File(part));
  const std::string layers = "lowerdir=" + tree + ",upperdir=" + folder_.File("upper") +
                             ",workdir=" + folder_.File("work");
  RequireSuccess(RunProgram({"mount", "-t", "overlay", "overlay", "-o", layers, path()}), "mount");
}

Disk::~Disk() { RunProgram({"umount", "--lazy", path()}); }

Container::Container(const Options& options) {
  std::vector<std::string> words = {"systemd-nspawn",
                                    "--quiet",
                                    "--directory=" + options.tree,
                                    "--boot",
                                    "--register=no",
                                    "--keep-unit",
                                    "--console=pipe",
                                    "--resolv-conf=off",
                                    "--timezone=off",
                                    "--link-journal=no",
                                    "--machine=candor-laptop-" + std::to_string(getpid())};
  if (!options.keeps) words.push_back("--volatile=overlay");
  for (const Bind& bind : options.binds) {
    words.push_back("--bind-ro=" + bind.outside + ":" + bind.inside);
  }
  if (!options.resolv_conf.empty()) {
    std::ofstream(setup_.File("resolv.conf")) << options.resolv_conf;
    words.push_back("--bind-ro=" + setup_.File("resolv.conf") + ":/etc/resolv.conf");
  }
  if (options.hears_kernel) {
    words.insert(words.end(), {"--bind=/dev/kmsg", "--capability=CAP_SYSLOG"});
  }
  Process::Command command{.words = words};
  // On a machine with control groups of version 1 the container cannot have version 2.
  if (!fs::exists("/sys/fs/cgroup/cgroup.controllers")) {
    command.environment["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "0";
  }
  nspawn_ = std::make_unique<Process>(command);
  WaitUntilBooted();
}

void Container::WaitUntilBooted() {
  const auto start = std::chrono::steady_clock::now();
  std::string state;
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(kBootMs)) {
    if (!nspawn_->running()) {
      throw std::runtime_error("the container ended: " + nspawn_->err() + nspawn_->out());
    }
    if (leader_ < 0) leader_ = FirstChildOf(nspawn_->pid());
    if (leader_ > 0) {
      state = Run({"systemctl", "is-system-running"}, 10'000).out;
      if (state.starts_with("running") || state.starts_with("degraded")) return;
    }
    SleepMs(200);
  }
  throw std::runtime_error("the container does not finish booting (" + state +
                           "): " + nspawn_->out());
}

Container::~Container() {
  if (!nspawn_->running()) return;
  // systemd's own signal for powering off, as nspawn would send it.
  if (leader_ > 0) kill(leader_, SIGRTMIN + 4);
  nspawn_->Wait(kPowerOffMs);
}

std::vector<std::string> Container::Inside(const std::vector<std::string>& words) const {
  // Its root is asked for: where these tests run in a changed root, the container's mounts have
  // another one.
  std::vector<std::string> all = {
      "nsenter", "--target", std::to_string(leader_), "--mount", "--uts", "--ipc", "--pid", "--net",
      "--root",  "--"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Outcome Container::Run(const std::vector<std::string>& words, int64_t timeout_ms) const {
  return RunProgram(Inside(words), timeout_ms);
}

std::string Container::Check(const std::vector<std::string>& words, int64_t timeout_ms) const {
  std::string said;
  for (const std::string& word : words) said += word + " ";
  return RequireSuccess(Run(words, timeout_ms), said + "in the container").out;
}

std::unique_ptr<Process> Container::Start(const std::vector<std::string>& words) const {
  return std::make_unique<Process>(Process::Command{.words = Inside(words)});
}

std::vector<std::string> Container::AmongProcesses() const {
  return {"nsenter", "--target", std::to_string(leader_), "--pid", "--"};
}

void Container::Write(const std::string& path, const std::string& text, int mode) const {
  const std::string outside = "/proc/" + std::to_string(leader_) + "/root" + path;
  fs::create_directories(fs::path(outside).parent_path());
  std::ofstream out(outside, std::ios::trunc);
  out << text;
  out.close();
  if (!out || chmod(outside.c_str(), static_cast<mode_t>(mode)) != 0) {
    throw std::runtime_error("cannot write " + path + " in the container");
  }
}

std::string Container::Read(const std::string& path) const {
  return Slurp("/proc/" + std::to_string(leader_) + "/root" + path);
}

ProgramFolder::ProgramFolder() {
  const fs::path root = folder_.path();
  // The container's users have to reach the programs.
  fs::permissions(root, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                            fs::perms::others_read | fs::perms::others_exec);
  for (const char* folder : {"bin", "libexec/candor", "lib"}) fs::create_directories(root / folder);
  const auto options = fs::copy_options::overwrite_existing;
  fs::copy_file(ProgramPath("candor-agent"), root / "bin/candor-agent", options);
  fs::copy_file(ProgramPath("candor-uplink"), root / "libexec/candor/candor-uplink", options);
  // What ldd finds, but for the C library's own parts, which the container has.
  const std::set<std::string> own = {"libc.so.6",  "libm.so.6",  "libpthread.so.0",
                                     "libdl.so.2", "librt.so.1", "libresolv.so.2"};
  for (const char* program : {"candor-agent", "candor-uplink"}) {
    std::istringstream lines(RequireSuccess(RunProgram({"ldd", ProgramPath(program)}), "ldd").out);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string name, arrow, path;
      if (!(words >> name >> arrow >> path) || arrow != "=>" || own.contains(name)) continue;
      fs::copy_file(fs::canonical(path), root / "lib" / name, options);
    }
  }
}

}  // namespace candor::testing
