#include "agent/samplers/network/verdict.h"

#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace candor {
namespace {

using V = ProbeVerdict;
using C = OfflineCause;

C Cause(const std::vector<V>& round, GatewayState gateway = GatewayState::kAnswers) {
  return CauseOf(round, gateway);
}

TEST_CASE("one service that answers is enough, unless a portal was seen") {
  CHECK(AnyAnswered(std::vector{V::kAnswered, V::kNoAnswer}));
  CHECK_FALSE(AnyAnswered(std::vector{V::kRefused, V::kNoAnswer, V::kDnsError, V::kDnsSilent}));
  CHECK_FALSE(AnyAnswered(std::vector{V::kAnswered, V::kForeign}));
  // A portal that lets one service through whose answer is known to be its own.
  CHECK(AnyAnswered(std::vector{V::kProven, V::kForeign}));
  CHECK_FALSE(AnyAnswered({}));
}

TEST_CASE("a round of one finding is named by it") {
  CHECK(Cause({V::kForeign}) == C::kPortal);
  CHECK(Cause({V::kDnsSilent}) == C::kDnsSilent);
  CHECK(Cause({V::kDnsError}) == C::kDnsError);
  CHECK(Cause({V::kRefused}) == C::kRefused);
  CHECK(Cause({V::kNoAnswer}) == C::kNoAnswer);
}

TEST_CASE("a gateway that is missed, or no route, explains silence and names that lead nowhere") {
  for (const V verdict : {V::kNoAnswer, V::kDnsSilent, V::kDnsError}) {
    CHECK(Cause({verdict}, GatewayState::kSilent) == C::kGateway);
    CHECK(Cause({verdict}, GatewayState::kNoRoute) == C::kNoRoute);
    CHECK(Cause({verdict}, GatewayState::kUnknown) != C::kGateway);
  }
}

TEST_CASE("a refusal proves that the way is open, a portal that somebody is there") {
  CHECK(Cause({V::kRefused}, GatewayState::kSilent) == C::kRefused);
  CHECK(Cause({V::kRefused}, GatewayState::kNoRoute) == C::kRefused);
  CHECK(Cause({V::kForeign, V::kNoAnswer}, GatewayState::kSilent) == C::kPortal);
}

TEST_CASE("of different findings most services decide") {
  CHECK(Cause({V::kRefused, V::kDnsSilent, V::kDnsSilent}) == C::kDnsSilent);
  CHECK(Cause({V::kRefused, V::kRefused, V::kDnsSilent}) == C::kRefused);
  // A resolver that is silent beside a service by address that is, too, tells nothing of DNS.
  CHECK(Cause({V::kDnsSilent, V::kNoAnswer}) == C::kNoAnswer);
  // Those that connect while others show a portal have no vote.
  CHECK(Cause({V::kAnswered, V::kAnswered, V::kForeign}) == C::kPortal);
}

TEST_CASE("each cause has a name of its own") {
  std::set<std::string> names;
  for (const C cause : {C::kGateway, C::kNoRoute, C::kPortal, C::kDnsSilent, C::kDnsError,
                        C::kRefused, C::kNoAnswer}) {
    CHECK(names.insert(std::string(NameOf(cause))).second);
  }
}

}  // namespace
}  // namespace candor
