#include "agent/samplers/network/verdict.h"

#include <algorithm>
#include <array>

namespace candor {
namespace {

ptrdiff_t Times(std::span<const ProbeVerdict> round, ProbeVerdict verdict) {
  return std::count(round.begin(), round.end(), verdict);
}

}  // namespace

std::string_view NameOf(OfflineCause cause) {
  switch (cause) {
    case OfflineCause::kGateway:
      return "gateway";
    case OfflineCause::kNoRoute:
      return "no_route";
    case OfflineCause::kPortal:
      return "portal";
    case OfflineCause::kDnsSilent:
      return "dns_silent";
    case OfflineCause::kDnsError:
      return "dns_error";
    case OfflineCause::kRefused:
      return "refused";
    case OfflineCause::kNoAnswer:
      return "no_answer";
  }
  return "no_answer";
}

bool AnyAnswered(std::span<const ProbeVerdict> round) {
  if (Times(round, ProbeVerdict::kProven) > 0) return true;
  return Times(round, ProbeVerdict::kAnswered) > 0 && Times(round, ProbeVerdict::kForeign) == 0;
}

OfflineCause CauseOf(std::span<const ProbeVerdict> round, GatewayState gateway) {
  if (Times(round, ProbeVerdict::kForeign) > 0) return OfflineCause::kPortal;
  if (Times(round, ProbeVerdict::kRefused) == 0) {
    if (gateway == GatewayState::kNoRoute) return OfflineCause::kNoRoute;
    if (gateway == GatewayState::kSilent) return OfflineCause::kGateway;
  }
  struct Vote {
    ProbeVerdict verdict;
    OfflineCause cause;
  };
  // Of equally many the first: a silent resolver may well be behind the same dead line.
  constexpr std::array kVotes = {Vote{ProbeVerdict::kNoAnswer, OfflineCause::kNoAnswer},
                                 Vote{ProbeVerdict::kRefused, OfflineCause::kRefused},
                                 Vote{ProbeVerdict::kDnsSilent, OfflineCause::kDnsSilent},
                                 Vote{ProbeVerdict::kDnsError, OfflineCause::kDnsError}};
  const auto most =
      std::max_element(kVotes.begin(), kVotes.end(), [&](const Vote& a, const Vote& b) {
        return Times(round, a.verdict) < Times(round, b.verdict);
      });
  return most->cause;
}

}  // namespace candor
