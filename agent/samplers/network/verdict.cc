#include "agent/samplers/network/verdict.h"

#include <algorithm>
#include <array>

#include "common/registry.h"

namespace candor {
namespace {

ptrdiff_t Times(std::span<const ProbeVerdict> round, ProbeVerdict verdict) {
  return std::count(round.begin(), round.end(), verdict);
}

}  // namespace

std::string_view NameOf(OfflineCause cause) {
  switch (cause) {
    case OfflineCause::kGateway:
      return offline_cause::kGateway;
    case OfflineCause::kNoRoute:
      return offline_cause::kNoRoute;
    case OfflineCause::kPortal:
      return offline_cause::kPortal;
    case OfflineCause::kDnsSilent:
      return offline_cause::kDnsSilent;
    case OfflineCause::kDnsError:
      return offline_cause::kDnsError;
    case OfflineCause::kRefused:
      return offline_cause::kRefused;
    case OfflineCause::kNoAnswer:
      return offline_cause::kNoAnswer;
  }
  return offline_cause::kNoAnswer;
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
