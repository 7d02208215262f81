// What the network between this laptop and the services people work with feels like.
//
// Probes: for each configured service one uncached name resolution (dns_ms) and one TCP connect
// (rtt_ms, SYN to SYN-ACK by the kernel's own stamp), all services side by side: once a minute
// while a person uses the device, every five minutes else, and at once after a link came up. A
// service that answers the connect was reached; what answers on loopback counts for reachability,
// never as a round trip. Each round's result holds until the next: while no service answers, the
// time since the last tick is offline_s where a link is up, no_link_s where none is.
//
// offline_cause_s says of the same seconds why (verdict.h): `gateway` (the default gateway is
// missed: the line in the room), `no_route` (no address was handed out), `portal` (somebody else
// answers over plain HTTP), `dns_silent` and `dns_error` (the service is where it was, its name
// leads nowhere), `refused` (the way is open, the services are down), `no_answer` (lost beyond the
// gateway). Of a service with addresses of both kinds IPv4 and IPv6 are measured each, too: while
// one of them works the service answers, and the other shows as what it is.
//
// Beside the probes, on each tick: state of the machine's own links (link_change), and once a
// minute the segments that its own connections sent and retransmitted (tcp_table.h), and the round
// trip to the gateway where unprivileged ICMP is allowed, and the radio link of the Wi-Fi (wifi.h).
//
// Round trips and time are told once more by the kind of network (place.h), for groups alone.
//
// TLS and first byte are the uplink's to measure; this sampler only says where they are not asked
// for. One thread; owned by the daemon.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "agent/samplers/sampler.h"

namespace candor {

// Everything that this family can emit.
inline constexpr std::array<uint32_t, 32> kNetworkMetrics = {
    101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116,
    117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132};

struct NetworkOptions {
  // Resolvers to ask instead of the system's: "127.0.0.1:5300,…". Their answers are always timed.
  std::string dns_servers;
  int64_t probe_in_use_ms = 60'000;
  int64_t probe_idle_ms = 300'000;
  // Limit of one resolution and of one connect.
  int64_t step_limit_ms = 5'000;
};

// More services than this are not probed.
inline constexpr size_t kServicesMax = 32;

std::unique_ptr<Sampler> MakeNetworkSampler(const SamplerContext& context,
                                            NetworkOptions options = {});

}  // namespace candor
