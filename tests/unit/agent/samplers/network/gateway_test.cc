#include "agent/samplers/network/gateway.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::make_address;

const address kHere = make_address("192.0.2.1");
const address kElsewhere = make_address("192.0.2.129");

PingOutcome Echo() { return {.rtt_us = 900, .not_allowed = false, .failure = {}}; }
PingOutcome Silence() { return {.rtt_us = {}, .not_allowed = false, .failure = "no answer"}; }
PingOutcome NotAllowed() { return {.rtt_us = {}, .not_allowed = true, .failure = "not allowed"}; }

TEST_CASE("a gateway is missed only where it was heard before") {
  GatewayWatch watch;
  const auto judge = [&](const address& gateway) {
    return watch.Judge(gateway, true, NeighbourState::kUnsure);
  };
  CHECK(judge(kHere) == GatewayState::kUnknown);
  watch.Pinged(kHere, Silence());
  CHECK(judge(kHere) == GatewayState::kUnknown);
  watch.Pinged(kHere, Echo());
  CHECK(judge(kHere) == GatewayState::kAnswers);
  watch.Pinged(kHere, Silence());
  CHECK(judge(kHere) == GatewayState::kSilent);
  // Another network: its gateway may be one that never answers.
  CHECK(judge(kElsewhere) == GatewayState::kUnknown);
  watch.Pinged(kElsewhere, Silence());
  CHECK(judge(kElsewhere) == GatewayState::kUnknown);
}

TEST_CASE("where ICMP is not allowed the kernel's search for the neighbour decides") {
  GatewayWatch watch;
  watch.Pinged(kHere, NotAllowed());
  CHECK(watch.Judge(kHere, true, NeighbourState::kUnsure) == GatewayState::kUnknown);
  CHECK(watch.Judge(kHere, true, NeighbourState::kMissing) == GatewayState::kSilent);
  // It answers this very moment: an old entry of the neighbour table does not count.
  watch.Pinged(kHere, Echo());
  CHECK(watch.Judge(kHere, true, NeighbourState::kMissing) == GatewayState::kAnswers);
}

TEST_CASE("no gateway is no route, unless a device alone is the way") {
  const GatewayWatch watch;
  CHECK(watch.Judge({}, false, NeighbourState::kUnsure) == GatewayState::kNoRoute);
  CHECK(watch.Judge({}, true, NeighbourState::kUnsure) == GatewayState::kUnknown);
}

TEST_CASE("the kernel's neighbours can be asked for, and nobody there is missing") {
  CHECK(LookUpNeighbour(make_address("127.0.0.1")).state == NeighbourState::kUnsure);
  CHECK(LookUpNeighbour(make_address("fe80::1")).state == NeighbourState::kUnsure);
}

}  // namespace
}  // namespace candor
