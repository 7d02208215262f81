#include "agent/daemon/uplink_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/status.h"

namespace candor {
namespace {

constexpr int kUplinkFd = 3;

// -1 where nobody listens; Unavailable where somebody does who is too busy. Never waits: a listener
// whose queue is full would hold up everything the daemon does.
absl::StatusOr<int> ConnectTo(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return -1;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int error = errno;
  ::close(fd);
  if (error == EAGAIN) return absl::UnavailableError(path + ": whoever listens there is busy");
  return -1;
}

// The child starts with a clean slate: default signals, nothing blocked, no input, our end closed.
absl::StatusOr<pid_t> Spawn(const UplinkPlace& place, int fd) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fd, kUplinkFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kUplinkFd + 1);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::string words[] = {place.program, "push", "--state",
                         place.state,   "--fd", std::to_string(kUplinkFd)};
  char* arguments[std::size(words) + 1] = {};
  for (size_t i = 0; i < std::size(words); ++i) arguments[i] = words[i].data();
  pid_t child = -1;
  const int error =
      posix_spawn(&child, place.program.c_str(), &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(error, "cannot start " + place.program);
  return child;
}

}  // namespace

absl::StatusOr<std::string> FindUplinkProgram(const std::string& own) {
  const std::filesystem::path folder = std::filesystem::path(own).parent_path();
  for (const char* place : {"../libexec/candor/candor-uplink", "uplink/candor-uplink"}) {
    std::error_code error;
    const auto path = std::filesystem::weakly_canonical(folder / place, error);
    if (!error && ::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return absl::NotFoundError("there is no candor-uplink beside " + own);
}

absl::StatusOr<UplinkProcess> UplinkProcess::Start(const UplinkPlace& place) {
  CANDOR_ASSIGN_OR_RETURN(const int fd, ConnectTo(place.socket));
  if (fd >= 0) return UplinkProcess(fd, -1);
  if (place.program.empty()) {
    return absl::NotFoundError("there is no candor-uplink: nobody listens at " + place.socket +
                               " and no program is known");
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  const auto child = Spawn(place, ends[1]);
  ::close(ends[1]);
  if (!child.ok()) {
    ::close(ends[0]);
    return child.status();
  }
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return UplinkProcess(ends[0], *child);
}

UplinkProcess::UplinkProcess(UplinkProcess&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), child_(std::exchange(other.child_, -1)) {}

UplinkProcess::~UplinkProcess() {
  if (fd_ >= 0) ::close(fd_);
  if (!Reap()) {
    Kill();
    ::waitpid(child_, nullptr, 0);
  }
}

int UplinkProcess::TakeSocket() { return std::exchange(fd_, -1); }

void UplinkProcess::Kill() {
  if (child_ > 0) ::kill(child_, SIGKILL);
}

bool UplinkProcess::Reap() {
  if (child_ <= 0) return true;
  const pid_t ended = ::waitpid(child_, nullptr, WNOHANG);
  if (ended == 0) return false;
  child_ = -1;
  return true;
}

}  // namespace candor
