#include "agent/samplers/network/reachability.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("time before the first round of probes is not watched") {
  Reachability reachability;
  CHECK(reachability.Advance(0).watched_ms == 0);
  CHECK(reachability.Advance(10'000).watched_ms == 0);
  reachability.RoundAnswered();
  const auto seconds = reachability.Advance(20'000);
  CHECK(seconds.watched_ms == 10'000);
  CHECK(seconds.online == 10);
}

TEST_CASE("no answering service is offline with a link up and no link without one") {
  Reachability reachability;
  reachability.Advance(0);
  reachability.RoundFailed(OfflineCause::kNoAnswer);
  CHECK(reachability.Advance(10'000).offline == 10);
  reachability.SetLinkUp(false);
  const auto seconds = reachability.Advance(25'000);
  CHECK(seconds.offline == 0);
  CHECK(seconds.no_link == 15);
}

TEST_CASE("an answer counts as online even where no link can be seen") {
  Reachability reachability;
  reachability.Advance(0);
  reachability.SetLinkUp(false);
  reachability.RoundAnswered();
  CHECK(reachability.Advance(10'000).online == 10);
}

TEST_CASE("parts of seconds are carried, never lost") {
  Reachability reachability;
  reachability.Advance(0);
  reachability.RoundFailed(OfflineCause::kNoAnswer);
  int64_t offline = 0;
  for (int64_t at = 1'700; at <= 17'000; at += 1'700) offline += reachability.Advance(at).offline;
  CHECK(offline == 17);
}

TEST_CASE("a gap in which the agent stood still is not watched") {
  Reachability reachability;
  reachability.Advance(0);
  reachability.RoundFailed(OfflineCause::kNoAnswer);
  const auto seconds = reachability.Advance(Reachability::kGapMsMax + 1);
  CHECK(seconds.watched_ms == 0);
  CHECK(seconds.offline == 0);
}

TEST_CASE("without services nothing is watched") {
  Reachability reachability;
  reachability.Advance(0);
  reachability.RoundIdle();
  CHECK(reachability.Advance(10'000).watched_ms == 0);
}

}  // namespace
}  // namespace candor
