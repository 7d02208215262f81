#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "agent/local/framing.h"
#include "agent/samplers/responsiveness/session_socket.h"
#include "agent/samplers/support/text.h"
#include "common/descriptor.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr int kBacklog = 16;

struct Peer {
  size_t number;
  uid_t user;
  Descriptor descriptor;
  FrameReader frames;
};

class Socket final : public SessionSocket {
 public:
  Socket(Descriptor listening, std::string path, std::string run)
      : listening_(std::move(listening)), path_(std::move(path)), run_(std::move(run)) {}

  ~Socket() override { ::unlink(path_.c_str()); }

  std::vector<Received> Read() override {
    AcceptAll();
    std::vector<Received> received;
    std::erase_if(peers_, [&](Peer& peer) { return !ReadFrom(peer, received); });
    return received;
  }

  std::vector<size_t> peers() const override {
    std::vector<size_t> numbers;
    for (const Peer& peer : peers_) numbers.push_back(peer.number);
    return numbers;
  }

 private:
  void AcceptAll() {
    for (size_t i = 0; i < kPeersMax; ++i) {
      Descriptor descriptor(
          ::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!descriptor.open()) return;
      ucred credentials{};
      socklen_t size = sizeof(credentials);
      if (::getsockopt(descriptor.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        continue;
      }
      if (!MayReport(credentials.uid)) continue;
      peers_.push_back({++last_number_, credentials.uid, std::move(descriptor), {}});
    }
  }

  bool MayReport(uid_t user) const {
    std::error_code error;
    const std::string known = Concat(run_, "/systemd/users/", std::to_string(user));
    if (!std::filesystem::exists(known, error)) return false;
    const auto theirs = std::count_if(peers_.begin(), peers_.end(),
                                      [&](const Peer& peer) { return peer.user == user; });
    return peers_.size() < kPeersMax && static_cast<size_t>(theirs) < kPeersPerUserMax;
  }

  // False when the helper is gone, or says what is no report.
  static bool ReadFrom(Peer& peer, std::vector<Received>& received) {
    std::array<char, 16 << 10> bytes;
    for (size_t total = 0; total < kBytesPerReadMax;) {
      const ssize_t size = ::read(peer.descriptor.get(), bytes.data(), bytes.size());
      if (size < 0) return errno == EAGAIN || errno == EINTR;
      if (size == 0) return false;
      total += static_cast<size_t>(size);
      peer.frames.Append(std::string_view(bytes.data(), static_cast<size_t>(size)));
      if (!TakeFrames(peer, received)) return false;
    }
    return true;
  }

  static bool TakeFrames(Peer& peer, std::vector<Received>& received) {
    while (true) {
      const auto frame = peer.frames.Next();
      if (!frame.ok()) return false;
      // Whoever announces more than a reading never comes to its end.
      if (!*frame) return peer.frames.pending() <= kBytesPerReadMax;
      v1::FromSession message;
      if (!message.ParseFromArray((*frame)->data(), static_cast<int>((*frame)->size()))) {
        return false;
      }
      // What a newer helper says beside it is passed over.
      if (message.has_report()) {
        received.push_back({peer.number, std::move(*message.mutable_report())});
      }
    }
  }

  const Descriptor listening_;
  const std::string path_;
  const std::string run_;
  std::vector<Peer> peers_;
  size_t last_number_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SessionSocket>> SessionSocket::Listen(const std::string& path,
                                                                     const std::string& run) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(path + ": too long for a socket's path");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Descriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listening.open()) return ErrnoStatus(errno, path);
  ::unlink(path.c_str());
  if (::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::chmod(path.c_str(), 0666) != 0 || ::listen(listening.get(), kBacklog) != 0) {
    return ErrnoStatus(errno, path);
  }
  return std::make_unique<Socket>(std::move(listening), path, run);
}

}  // namespace candor
