#include "agent/samplers/network/gateway.h"

namespace candor {

void GatewayWatch::Pinged(const boost::asio::ip::address& gateway, const PingOutcome& ping) {
  if (gateway_ != gateway) ever_answered_ = false;
  gateway_ = gateway;
  answers_ = ping.rtt_us.has_value();
  ever_answered_ = ever_answered_ || answers_;
  silent_ = !answers_ && !ping.not_allowed;
}

GatewayState GatewayWatch::Judge(const std::optional<boost::asio::ip::address>& gateway,
                                 bool default_route, NeighbourState neighbour) const {
  if (!gateway) return default_route ? GatewayState::kUnknown : GatewayState::kNoRoute;
  const bool same = gateway_ == gateway;
  if (same && answers_) return GatewayState::kAnswers;
  if (neighbour == NeighbourState::kMissing) return GatewayState::kSilent;
  // Many gateways never answer ICMP: only one that did is missed.
  return same && silent_ && ever_answered_ ? GatewayState::kSilent : GatewayState::kUnknown;
}

}  // namespace candor
