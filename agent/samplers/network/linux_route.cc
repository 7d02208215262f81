#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "agent/samplers/network/netlink.h"
#include "agent/samplers/network/place.h"

namespace candor {
namespace {

using boost::asio::ip::address;

// The number of the interface that packets to `to` leave by, policy routing included (WireGuard's
// own tables are not in /proc/net/route).
std::optional<uint32_t> InterfaceTowards(const address& to) {
  auto netlink = Netlink::Open(NETLINK_ROUTE);
  if (!netlink.ok()) return std::nullopt;
  rtmsg head{};
  head.rtm_family = to.is_v6() ? AF_INET6 : AF_INET;
  head.rtm_dst_len = to.is_v6() ? 128 : 32;
  NetlinkBody body;
  body.AddStruct(head);
  if (to.is_v6()) {
    body.AddAttribute(RTA_DST, to.to_v6().to_bytes());
  } else {
    body.AddAttribute(RTA_DST, to.to_v4().to_bytes());
  }
  std::optional<uint32_t> index;
  const absl::Status status =
      netlink->Ask(RTM_GETROUTE, /*dump=*/false, body.bytes(), [&](ByteSpan answer) {
        if (answer.size() < sizeof(rtmsg)) return;
        ForEachAttribute(answer.subspan(sizeof(rtmsg)), [&](uint16_t type, ByteSpan payload) {
          if (type == RTA_OIF) index = AttributeValue<uint32_t>(payload);
        });
      });
  return status.ok() ? index : std::nullopt;
}

}  // namespace

bool LeadsThroughTunnel(const std::string& sys, const address& to, const std::vector<Link>& links) {
  const auto index = InterfaceTowards(to);
  char name[IF_NAMESIZE] = {};
  if (!index || if_indextoname(*index, name) == nullptr) return false;
  // In a container a tunnel may be all the link there is.
  const bool link = std::any_of(links.begin(), links.end(),
                                [&](const Link& known) { return known.name == name; });
  return !link && IsTunnel(sys, name);
}

}  // namespace candor
