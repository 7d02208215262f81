// Whether the default gateway is there: what tells a dead line in the room from trouble beyond it.
// Two sources: ICMP, where the system allows it and the gateway ever answered it, and the kernel's
// own search for the neighbour. One thread.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/samplers/network/ping.h"
#include "agent/samplers/network/verdict.h"

namespace candor {

// The default gateway, IPv4 first, from `proc`/net/route and ipv6_route; the one of least metric.
std::optional<boost::asio::ip::address> DefaultGateway(const std::string& proc);

// Some default route is there, if only to a device without a gateway (mobile broadband).
bool HasDefaultRoute(const std::string& proc);

enum class NeighbourState {
  kUnsure,  // not known, or heard some time ago
  kMissing  // asked for, and it did not answer
};
struct Neighbour {
  NeighbourState state = NeighbourState::kUnsure;
  std::vector<uint8_t> hardware;  // its own address; empty where it is not known. Never told
};
// What the kernel knows of a neighbour of this machine.
Neighbour LookUpNeighbour(const boost::asio::ip::address& neighbour);

class GatewayWatch {
 public:
  // What a round's echo to `gateway` met.
  void Pinged(const boost::asio::ip::address& gateway, const PingOutcome& ping);

  // Of a round in which no service answered. `gateway` is the present one.
  GatewayState Judge(const std::optional<boost::asio::ip::address>& gateway, bool default_route,
                     NeighbourState neighbour) const;

 private:
  // The gateway that was asked last; one that changed was never heard.
  std::optional<boost::asio::ip::address> gateway_;
  bool ever_answered_ = false;
  bool answers_ = false;
  bool silent_ = false;
};

}  // namespace candor
