#include "tests/fault/uplink_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/status.h"

extern char** environ;

namespace candor::testing {
namespace {
constexpr int kUplinkFd = 3;
}

absl::StatusOr<UplinkChild> UplinkChild::Start(const std::string& program,
                                               const std::string& state) {
  std::array<int, 2> ends = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return ErrnoStatus(errno, "socketpair");
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  // Duplicating a descriptor onto itself would keep its close-on-exec mark.
  int child_end = ends[1];
  if (child_end == kUplinkFd) child_end = fcntl(ends[1], F_DUPFD_CLOEXEC, kUplinkFd + 1);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, child_end, kUplinkFd);
  std::array<std::string, 6> words = {program,   "push", "--fd", std::to_string(kUplinkFd),
                                      "--state", state};
  std::array<char*, 7> arguments = {};
  for (size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  pid_t pid = -1;
  const int failed =
      posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (child_end != ends[1]) close(child_end);
  close(ends[1]);
  if (failed != 0) {
    close(ends[0]);
    return ErrnoStatus(failed, program);
  }
  return UplinkChild(pid, ends[0]);
}

UplinkChild::UplinkChild(UplinkChild&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      fd_(std::exchange(other.fd_, -1)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)) {}

UplinkChild::~UplinkChild() {
  if (fd_ >= 0) close(fd_);
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void UplinkChild::Queue(const v1::ToUplink& message) {
  AppendMessageFrame(message, out_).IgnoreError();
}

bool UplinkChild::Exchange(int wait_ms) {
  pollfd ready = {fd_, static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
  if (poll(&ready, 1, wait_ms) <= 0) return true;
  if ((ready.revents & POLLOUT) != 0) {
    const ssize_t sent = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent > 0) out_.erase(0, static_cast<size_t>(sent));
  }
  std::array<char, 65536> buffer;
  const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
  if (got > 0) in_.Append({buffer.data(), static_cast<size_t>(got)});
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

std::optional<v1::FromUplink> UplinkChild::Take() {
  const auto frame = in_.Next();
  if (!frame.ok() || !frame->has_value()) return std::nullopt;
  v1::FromUplink message;
  if (!message.ParseFromArray((*frame)->data(), static_cast<int>((*frame)->size()))) {
    return std::nullopt;
  }
  return message;
}

}  // namespace candor::testing
