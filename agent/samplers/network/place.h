// Which kind of network the laptop is in: the operator's own ("office"), one that the laptop's own
// file names ("home"), or another; and whether the way to the services leads through a VPN tunnel.
//
// For figures about groups: how the network feels at the office, elsewhere and through the VPN. The
// operator names gateways (common/gateway_rule.h); no name, address or place of any network leaves
// this sampler, and homes are known only where the person's own laptop names them. A VPN is a
// tunnel interface that carries a service's route; IPsec without an interface of its own is not
// seen.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/samplers/network/links.h"
#include "agent/samplers/sampler.h"
#include "common/gateway_rule.h"

namespace candor {

class Places {
 public:
  // What is no rule was refused where it was written, and is passed over here.
  void Configure(const KnownGateways& known);

  // A gateway's hardware address is of use.
  bool wants_hardware() const;
  // "office", "home", "other"; "unsorted" where nobody named any gateway.
  std::string_view KindOf(const boost::asio::ip::address& gateway,
                          const std::vector<uint8_t>& hardware) const;

 private:
  std::vector<GatewayRule> office_;
  std::vector<GatewayRule> home_;
};

// Subjects of the class_ metrics: "office", "office vpn", …
std::string PlaceName(std::string_view kind, bool vpn);

// The way to `to` leads through a tunnel that rides on one of `links`. False where the kernel knows
// no way.
bool LeadsThroughTunnel(const std::string& sys, const boost::asio::ip::address& to,
                        const std::vector<Link>& links);

}  // namespace candor
