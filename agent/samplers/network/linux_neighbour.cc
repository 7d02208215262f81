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

Neighbour LookUpNeighbour(const address& neighbour) {
  Neighbour found;
  auto netlink = Netlink::Open(NETLINK_ROUTE);
  if (!netlink.ok()) return found;
  ndmsg head{};
  head.ndm_family = neighbour.is_v6() ? AF_INET6 : AF_INET;
  NetlinkBody body;
  body.AddStruct(head);
  const auto take = [&](ByteSpan answer) {
    if (answer.size() < sizeof(ndmsg)) return;
    ndmsg entry;
    std::memcpy(&entry, answer.data(), sizeof entry);
    bool wanted = false;
    ByteSpan hardware;
    ForEachAttribute(answer.subspan(sizeof entry), [&](uint16_t type, ByteSpan payload) {
      if (type == NDA_DST) wanted = IsAddress(payload, neighbour);
      if (type == NDA_LLADDR) hardware = payload;
    });
    if (!wanted) return;
    if ((entry.ndm_state & (NUD_FAILED | NUD_INCOMPLETE)) != 0) {
      found.state = NeighbourState::kMissing;
    }
    found.hardware.assign(hardware.begin(), hardware.end());
  };
  return netlink->Ask(RTM_GETNEIGH, /*dump=*/true, body.bytes(), take).ok() ? found : Neighbour();
}

}  // namespace candor
