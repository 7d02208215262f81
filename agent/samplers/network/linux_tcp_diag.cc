#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/samplers/network/tcp_diag.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kBufferBytes = 32 << 10;
// Holds the closings of about 600 sockets.
constexpr int kClosingsBytes = 512 << 10;

// States of include/net/tcp_states.h in which a connection carries data; listening, half-open and
// time-wait sockets have no counts of their own.
constexpr uint32_t kStates = (1U << 1) |                          // established
                             (1U << 4) | (1U << 5) |              // fin-wait-1, fin-wait-2
                             (1U << 8) | (1U << 9) | (1U << 11);  // close-wait, last-ack, closing

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

absl::StatusOr<Socket> OpenNetlink() {
  Socket socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
  if (socket.get() < 0) return ErrnoStatus(errno, "sock_diag socket");
  return socket;
}

bool IsLoopback(uint8_t family, const uint32_t* address) {
  if (family == AF_INET) return (ntohl(address[0]) >> 24) == 127;
  in6_addr v6;
  std::memcpy(&v6, address, sizeof v6);
  if (IN6_IS_ADDR_LOOPBACK(&v6)) return true;
  return IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
}

bool WithItself(const inet_diag_msg& message) {
  const size_t size = message.idiag_family == AF_INET ? 4 : 16;
  return IsLoopback(message.idiag_family, message.id.idiag_dst) ||
         std::memcmp(message.id.idiag_src, message.id.idiag_dst, size) == 0;
}

// Kernels before 4.6 do not count data segments apart; all segments stand in for them.
uint32_t SegmentsSent(const tcp_info& info, size_t size) {
  if (size >= offsetof(tcp_info, tcpi_data_segs_out) + sizeof info.tcpi_data_segs_out) {
    return info.tcpi_data_segs_out;
  }
  return info.tcpi_segs_out;
}

std::optional<TcpSocket> ParseSocket(const nlmsghdr* header) {
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) return std::nullopt;
  const auto* message = static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  if (WithItself(*message)) return std::nullopt;
  size_t left = header->nlmsg_len - NLMSG_LENGTH(sizeof *message);
  const auto* attribute = reinterpret_cast<const rtattr*>(message + 1);
  while (RTA_OK(attribute, left)) {
    if (attribute->rta_type == INET_DIAG_INFO) {
      tcp_info info{};
      const size_t size = RTA_PAYLOAD(attribute);
      std::memcpy(&info, RTA_DATA(attribute), std::min(size, sizeof info));
      return TcpSocket{
          .cookie = (uint64_t{message->id.idiag_cookie[1]} << 32) | message->id.idiag_cookie[0],
          .sent = SegmentsSent(info, size),
          .retransmitted = info.tcpi_total_retrans,
          .rtt_us = info.tcpi_rtt};
    }
    const size_t step = RTA_ALIGN(attribute->rta_len);
    if (step > left) break;
    left -= step;
    attribute = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(attribute) + step);
  }
  return std::nullopt;
}

class NetlinkDiag final : public TcpDiag {
 public:
  explicit NetlinkDiag(Socket closings) : closings_(std::move(closings)) {}

  absl::Status Read(std::vector<TcpSocket>& open, std::vector<TcpSocket>& closed) override {
    open.clear();
    closed.clear();
    std::vector<char> buffer(kBufferBytes);
    for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
      CANDOR_RETURN_IF_ERROR(Dump(family, buffer, open));
    }
    // After the dump: a socket that closes in between is then in both, and counted once.
    DrainClosings(buffer, closed);
    return absl::OkStatus();
  }

 private:
  // A socket of its own for each dump, so that one cut short leaves nothing behind.
  static absl::Status Dump(uint8_t family, std::vector<char>& buffer, std::vector<TcpSocket>& out) {
    CANDOR_ASSIGN_OR_RETURN(const Socket socket, OpenNetlink());
    struct Request {
      nlmsghdr header;
      inet_diag_req_v2 diag;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.diag.sdiag_family = family;
    request.diag.sdiag_protocol = IPPROTO_TCP;
    request.diag.idiag_ext = 1 << (INET_DIAG_INFO - 1);
    request.diag.idiag_states = kStates;
    if (send(socket.get(), &request, sizeof request, 0) < 0) {
      return ErrnoStatus(errno, "inet_diag request");
    }
    while (true) {
      const ssize_t got = recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      // The kernel writes a dump's next part as the last one is read: there is nothing to wait for.
      if (got < 0) return ErrnoStatus(errno, "inet_diag answer");
      CANDOR_ASSIGN_OR_RETURN(const bool more, TakeMessages(buffer, static_cast<size_t>(got), out));
      if (!more || out.size() > TcpTable::kSocketsMax) return absl::OkStatus();
    }
  }

  // False at the end of a dump.
  static absl::StatusOr<bool> TakeMessages(const std::vector<char>& buffer, size_t size,
                                           std::vector<TcpSocket>& out) {
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
      if (header->nlmsg_type == NLMSG_DONE) return false;
      if (header->nlmsg_type == NLMSG_ERROR) {
        const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
        return ErrnoStatus(-error->error, "inet_diag");
      }
      if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) continue;
      if (out.size() > TcpTable::kSocketsMax) break;
      if (const auto socket = ParseSocket(header)) out.push_back(*socket);
    }
    return true;
  }

  void DrainClosings(std::vector<char>& buffer, std::vector<TcpSocket>& closed) {
    if (closings_.get() < 0) return;
    while (true) {
      const ssize_t got = recv(closings_.get(), buffer.data(), buffer.size(), 0);
      // ENOBUFS: some closings were lost to a full buffer; the rest is still there.
      if (got < 0 && (errno == EINTR || errno == ENOBUFS)) continue;
      if (got <= 0) return;
      if (!TakeMessages(buffer, static_cast<size_t>(got), closed).ok()) return;
    }
  }

  Socket closings_;
};

// A socket that collects closings, or none where the kernel does not tell of them.
Socket ListenForClosings() {
  auto socket = OpenNetlink();
  if (!socket.ok()) return {};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  setsockopt(socket->get(), SOL_SOCKET, SO_RCVBUF, &kClosingsBytes, sizeof kClosingsBytes);
  if (bind(socket->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  for (const int group : {SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY}) {
    if (setsockopt(socket->get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      return {};
    }
  }
  return *std::move(socket);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TcpDiag>> OpenTcpDiag() {
  auto diag = std::make_unique<NetlinkDiag>(ListenForClosings());
  std::vector<TcpSocket> open;
  std::vector<TcpSocket> closed;
  if (const absl::Status status = diag->Read(open, closed); !status.ok()) {
    return absl::UnavailableError("the kernel does not tell about connections: " +
                                  std::string(MessageOf(status)));
  }
  return diag;
}

}  // namespace candor
