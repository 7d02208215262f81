#include "agent/uplink/daemon_link.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr int64_t kWaitMsMax = 3'600'000;

}  // namespace

absl::StatusOr<std::unique_ptr<DaemonLink>> DaemonLink::Open(int fd, const Clock& clock) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return ErrnoStatus(errno, "the daemon's socket (file descriptor " + std::to_string(fd) + ")");
  }
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) return ErrnoStatus(errno, "cannot make an event");
  return std::unique_ptr<DaemonLink>(new DaemonLink(fd, wake_fd, clock));
}

DaemonLink::~DaemonLink() {
  close(fd_);
  close(wake_fd_);
}

void DaemonLink::Wake() {
  const uint64_t one = 1;
  // Fails only where the count is full: then it is awake already.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

absl::Status DaemonLink::Await(short events, bool wakeable) const {
  while (true) {
    const int64_t left_ms = std::clamp<int64_t>(deadline_ms_ - clock_.MonotonicMs(), 0, kWaitMsMax);
    pollfd entries[2] = {{fd_, events, 0}, {wake_fd_, POLLIN, 0}};
    const int ready = poll(entries, wakeable ? 2 : 1, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return ErrnoStatus(errno, "the daemon's socket");
    if (ready == 0) return absl::DeadlineExceededError("the daemon's socket: out of time");
    if (wakeable && entries[1].revents != 0) return absl::AbortedError("woken");
    return absl::OkStatus();
  }
}

absl::StatusOr<v1::ToUplink> DaemonLink::Next() {
  std::string buffer(kReadBytes, '\0');
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const std::optional<std::string_view> frame, reader_.Next());
    if (frame) {
      v1::ToUplink message;
      if (message.ParseFromArray(frame->data(), static_cast<int>(frame->size()))) return message;
      return absl::InvalidArgumentError("a message of the daemon cannot be read");
    }
    CANDOR_RETURN_IF_ERROR(Await(POLLIN, true));
    const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got == 0) return absl::CancelledError("the daemon closed its socket");
    if (got > 0) reader_.Append(std::string_view(buffer).substr(0, static_cast<size_t>(got)));
    if (got < 0 && errno != EAGAIN && errno != EINTR) {
      return absl::CancelledError("the daemon's socket broke");
    }
  }
}

absl::Status DaemonLink::Send(const v1::FromUplink& message) {
  std::string bytes;
  CANDOR_RETURN_IF_ERROR(AppendMessageFrame(message, bytes));
  const std::lock_guard lock(send_mutex_);
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t sent = send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      rest.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      CANDOR_RETURN_IF_ERROR(Await(POLLOUT, false));
    } else if (errno != EINTR) {
      return absl::CancelledError("the daemon closed its socket");
    }
  }
  return absl::OkStatus();
}

}  // namespace candor
