#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "agent/samplers/network/gateway.h"
#include "agent/samplers/network/netlink.h"

namespace candor {
namespace {

using boost::asio::ip::address;

template <typename Bytes>
bool SameBytes(ByteSpan payload, const Bytes& bytes) {
  return std::equal(payload.begin(), payload.end(), bytes.begin(), bytes.end());
}

bool IsAddress(ByteSpan payload, const address& wanted) {
  return wanted.is_v4() ? SameBytes(payload, wanted.to_v4().to_bytes())
                        : SameBytes(payload, wanted.to_v6().to_bytes());
}

}  // namespace

NeighbourState StateOfNeighbour(const address& neighbour) {
  auto netlink = Netlink::Open(NETLINK_ROUTE);
  if (!netlink.ok()) return NeighbourState::kUnsure;
  ndmsg head{};
  head.ndm_family = neighbour.is_v6() ? AF_INET6 : AF_INET;
  NetlinkBody body;
  body.AddStruct(head);
  NeighbourState state = NeighbourState::kUnsure;
  const absl::Status status =
      netlink->Ask(RTM_GETNEIGH, /*dump=*/true, body.bytes(), [&](ByteSpan answer) {
        if (answer.size() < sizeof(ndmsg)) return;
        ndmsg entry;
        std::memcpy(&entry, answer.data(), sizeof entry);
        ForEachAttribute(answer.subspan(sizeof entry), [&](uint16_t type, ByteSpan payload) {
          if (type != NDA_DST || !IsAddress(payload, neighbour)) return;
          if ((entry.ndm_state & (NUD_FAILED | NUD_INCOMPLETE)) != 0) {
            state = NeighbourState::kMissing;
          }
        });
      });
  return status.ok() ? state : NeighbourState::kUnsure;
}

}  // namespace candor
