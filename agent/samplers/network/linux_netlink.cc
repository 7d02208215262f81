#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "agent/samplers/network/netlink.h"
#include "common/status.h"

namespace candor {
namespace {

// The kernel never answers with more at once.
constexpr size_t kAnswerBytes = 32 << 10;

enum class Progress { kMore, kOver };

// Takes the messages of one datagram.
absl::StatusOr<Progress> TakeAnswers(ByteSpan datagram, size_t& answers,
                                     const std::function<void(ByteSpan)>& take) {
  size_t left = datagram.size();
  const auto* header = reinterpret_cast<const nlmsghdr*>(datagram.data());
  for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
    const ByteSpan body(static_cast<const uint8_t*>(NLMSG_DATA(header)),
                        header->nlmsg_len - NLMSG_HDRLEN);
    if (header->nlmsg_type == NLMSG_DONE) return Progress::kOver;
    if (header->nlmsg_type == NLMSG_ERROR) {
      const auto code = AttributeValue<int32_t>(body.first(std::min(body.size(), sizeof(int32_t))));
      if (!code || *code != 0) return ErrnoStatus(code ? -*code : EPROTO, "netlink");
      return Progress::kOver;  // an acknowledgement
    }
    if (++answers > Netlink::kAnswersMax) return Progress::kOver;
    take(body);
  }
  return Progress::kMore;
}

}  // namespace

absl::StatusOr<Netlink> Netlink::Open(int protocol) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0) return ErrnoStatus(errno, "netlink socket");
  return Netlink(fd);
}

Netlink::~Netlink() {
  if (fd_ >= 0) close(fd_);
}

absl::Status Netlink::Ask(uint16_t type, bool dump, ByteSpan body,
                          const std::function<void(ByteSpan)>& take) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_HDRLEN + body.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK));
  std::vector<uint8_t> request(header.nlmsg_len);
  std::memcpy(request.data(), &header, sizeof header);
  if (!body.empty()) std::memcpy(request.data() + NLMSG_HDRLEN, body.data(), body.size());
  if (send(fd_, request.data(), request.size(), 0) < 0) {
    return ErrnoStatus(errno, "netlink request");
  }
  std::vector<uint8_t> buffer(kAnswerBytes);
  size_t answers = 0;
  while (true) {
    const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "netlink answer");
    CANDOR_ASSIGN_OR_RETURN(
        const Progress progress,
        TakeAnswers(ByteSpan(buffer.data(), static_cast<size_t>(got)), answers, take));
    if (progress == Progress::kOver) return absl::OkStatus();
  }
}

}  // namespace candor
