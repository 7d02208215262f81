// Why no service answered, decided from what each probe of a round ran into. Plain values, any
// thread.
//
// One round is named by its clearest finding. A portal that gave itself away comes first; a refusal
// proves that the way is open, so gateway and route are looked at only where nobody refused; else
// most services decide.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace candor {

// How one probe of one service ended.
enum class ProbeVerdict {
  kAnswered,   // connected
  kProven,     // connected, and the answer is what the operator said it must be
  kForeign,    // connected, and somebody else answered for the service (portal.h)
  kDnsSilent,  // no resolver answered; the service itself is not known to be silent
  kDnsError,   // a resolver answered, and gave no address
  kRefused,    // the service's host, or a wall in front of it, refused the connect
  kNoAnswer,   // nobody answered the connect, or a router turned it back
};

// What is known of the default gateway when nobody answered.
enum class GatewayState {
  kNoRoute,  // there is no default route: no address was handed out
  kUnknown,  // it may never answer ICMP, or was heard too short a time ago
  kAnswers,
  kSilent,
};

enum class OfflineCause { kGateway, kNoRoute, kPortal, kDnsSilent, kDnsError, kRefused, kNoAnswer };

// Subjects of metric::kOfflineCauseSeconds.
std::string_view NameOf(OfflineCause cause);

// Whether any service can be used. Once a portal gave itself away, a connect alone proves nothing:
// it may answer those, too.
bool AnyAnswered(std::span<const ProbeVerdict> round);

// Of a round in which none can.
OfflineCause CauseOf(std::span<const ProbeVerdict> round, GatewayState gateway);

}  // namespace candor
