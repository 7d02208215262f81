#include "agent/daemon/control_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/local/framing.h"
#include "candor/v1/local.pb.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr time_t kSilenceMaxS = 10;

class Connection {
 public:
  Connection() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  absl::Status Connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
      return absl::InvalidArgumentError(path + ": too long for a socket's path");
    }
    std::memcpy(address.sun_path, path.c_str(), path.size());
    const timeval limit{kSilenceMaxS, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      return absl::OkStatus();
    }
    if (errno == EACCES) return ErrnoStatus(errno, path);
    return absl::UnavailableError("the daemon is not running (nobody answers at " + path + ")");
  }

  absl::Status Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return absl::UnavailableError("the daemon closed the connection");
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return absl::OkStatus();
  }

  // 0 at the end.
  absl::StatusOr<size_t> Receive(char* to, size_t size) {
    while (true) {
      const ssize_t got = ::recv(fd_, to, size, 0);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno == EINTR) continue;
      if (errno == ECONNRESET) return 0;
      return absl::DeadlineExceededError("the daemon does not answer");
    }
  }

 private:
  int fd_;
};

}  // namespace

absl::Status AskDaemon(const std::string& socket_path, const v1::ControlRequest& request,
                       const std::function<void(const v1::ControlReply&)>& on_reply) {
  Connection connection;
  CANDOR_RETURN_IF_ERROR(connection.Connect(socket_path));
  std::string frame;
  CANDOR_RETURN_IF_ERROR(AppendMessageFrame(request, frame));
  CANDOR_RETURN_IF_ERROR(connection.Send(frame));
  FrameReader reader;
  std::array<char, 64 << 10> bytes;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const size_t size, connection.Receive(bytes.data(), bytes.size()));
    if (size == 0) break;
    reader.Append(std::string_view(bytes.data(), size));
    while (true) {
      CANDOR_ASSIGN_OR_RETURN(const auto payload, reader.Next());
      if (!payload) break;
      v1::ControlReply reply;
      if (!reply.ParseFromArray(payload->data(), static_cast<int>(payload->size()))) {
        return absl::DataLossError("the daemon answered with what is no reply");
      }
      if (!reply.error().empty()) return absl::InternalError(reply.error());
      on_reply(reply);
    }
  }
  if (reader.pending() > 0) return absl::DataLossError("the daemon's answer was cut off");
  return absl::OkStatus();
}

}  // namespace candor
