#include "agent/daemon/push_policy.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "common/random.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"

namespace candor {
namespace {

using testing::ManualClock;

struct PolicyFixture {
  ManualClock clock;
  SeededRandom random{11};
  PushPolicy policy{clock, random};

  int64_t InMs(bool in_use = true, bool on_battery = false) {
    return policy.DueMs(in_use, on_battery) - clock.BoottimeMs();
  }
  void FirstPush() {
    clock.Advance(PushPolicy::kFirstSpreadMs);
    REQUIRE(policy.Due(true, false));
    policy.OnSuccess();
  }
};

TEST_CASE("the first push comes within seconds of the start, spread") {
  std::vector<int64_t> delays;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    ManualClock clock;
    SeededRandom random(seed);
    const PushPolicy policy(clock, random);
    delays.push_back(policy.DueMs(false, false) - clock.BoottimeMs());
  }
  REQUIRE(*std::min_element(delays.begin(), delays.end()) >= 0);
  REQUIRE(*std::min_element(delays.begin(), delays.end()) < 1'500);
  REQUIRE(*std::max_element(delays.begin(), delays.end()) < PushPolicy::kFirstSpreadMs);
  REQUIRE(*std::max_element(delays.begin(), delays.end()) > 8'500);
}

TEST_CASE("regular pushes follow use, battery and watching, shifted by up to a fifth") {
  PolicyFixture f;
  f.FirstPush();
  for (int i = 0; i < 100; ++i) {
    const int64_t active = f.InMs(true);
    REQUIRE(active >= 240'000);
    REQUIRE(active <= 360'000);
    REQUIRE(std::abs(f.InMs(false) - active * 3) <= 3);
    REQUIRE(std::abs(f.InMs(true, true) - active * 2) <= 2);
    f.policy.SetCadence({300, 900, true});
    REQUIRE(f.InMs(false) >= 48'000);
    REQUIRE(f.InMs(false) <= 72'000);
    f.policy.SetCadence({});
    f.policy.OnSuccess();
  }
}

TEST_CASE("an urgent event is pushed within two seconds, and at most one such push a minute") {
  PolicyFixture f;
  f.FirstPush();
  f.clock.Advance(30'000);
  f.policy.OnUrgent();
  REQUIRE(f.InMs() < PushPolicy::kUrgentSpreadMs);
  f.clock.Advance(2'000);
  REQUIRE(f.policy.Due(false, true));
  f.policy.OnStart();
  f.policy.OnSuccess();
  f.clock.Advance(1'000);
  f.policy.OnUrgent();
  REQUIRE(f.InMs() >= 58'000);
  REQUIRE(f.InMs() <= 60'000);
}

TEST_CASE("an urgent event that comes while a push runs is not forgotten, however it ends") {
  PolicyFixture f;
  f.FirstPush();
  f.policy.OnStart();
  f.policy.OnUrgent();
  f.clock.Advance(5'000);
  SECTION("well") {
    f.policy.OnSuccess();
    REQUIRE(f.InMs() <= 0);
  }
  SECTION("badly: it is due as soon as the collector answers again") {
    f.policy.OnFailure(PushPolicy::Failure::kUnreachable);
    f.clock.Advance(f.InMs());
    SECTION("and the retry carries it") {
      f.policy.OnStart();
      f.policy.OnSuccess();
      REQUIRE(f.InMs() >= 240'000);
    }
    SECTION("unless it was for something else") {
      f.policy.OnSuccess();
      REQUIRE(f.InMs() <= 0);
    }
  }
}

TEST_CASE("retries jitter fully between one second and five minutes, for ever") {
  PolicyFixture f;
  f.FirstPush();
  int64_t longest = 0;
  int64_t shortest = INT64_MAX;
  for (int i = 0; i < 500; ++i) {
    f.policy.OnFailure(PushPolicy::Failure::kUnreachable);
    const int64_t delay = f.InMs();
    REQUIRE(delay >= PushPolicy::kRetryFloorMs);
    REQUIRE(delay <= PushPolicy::kRetryCapMs);
    if (i > 10) {
      longest = std::max(longest, delay);
      shortest = std::min(shortest, delay);
    }
    f.clock.Advance(delay);
    REQUIRE(f.policy.Due(true, false));
  }
  REQUIRE(longest > 280'000);
  REQUIRE(shortest < 20'000);
  REQUIRE(f.policy.failing());
  f.policy.OnSuccess();
  REQUIRE_FALSE(f.policy.failing());
  REQUIRE(f.InMs() >= 240'000);
}

TEST_CASE("the first retry after a lost collector spreads over the window it advised") {
  std::vector<int64_t> delays;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    ManualClock clock;
    SeededRandom random(seed);
    PushPolicy policy(clock, random);
    policy.SetReconnectWindow(600);
    policy.OnSuccess();
    policy.OnFailure(PushPolicy::Failure::kUnreachable);
    delays.push_back(policy.DueMs(true, false) - clock.BoottimeMs());
  }
  REQUIRE(*std::min_element(delays.begin(), delays.end()) < 60'000);
  REQUIRE(*std::max_element(delays.begin(), delays.end()) > 540'000);
  REQUIRE(*std::max_element(delays.begin(), delays.end()) < 600'000);

  SECTION("an advice beyond an hour is not believed") {
    PolicyFixture f;
    f.policy.SetReconnectWindow(UINT32_MAX);
    f.policy.OnSuccess();
    f.policy.OnFailure(PushPolicy::Failure::kUnreachable);
    REQUIRE(f.InMs() <= PushPolicy::kReconnectWindowMaxMs);
  }
}

TEST_CASE("an urgent event does not hurry a failing or throttled collector") {
  PolicyFixture f;
  f.FirstPush();
  f.policy.OnThrottle(120'000);
  f.policy.OnUrgent();
  REQUIRE(f.InMs() >= 120'000);
  REQUIRE(f.InMs() <= 144'000);
  SECTION("nor does a person") {
    f.policy.OnAsked();
    REQUIRE(f.InMs() >= 120'000);
  }
  SECTION("an absurd throttle is bounded") {
    f.policy.OnThrottle(INT64_MAX);
    REQUIRE(f.InMs() <= PushPolicy::kThrottleMaxMs * 6 / 5);
  }
}

TEST_CASE("what only a person can mend is tried at a slow pace") {
  PolicyFixture f;
  f.policy.OnFailure(PushPolicy::Failure::kHopeless);
  REQUIRE(f.InMs() >= 720'000);
  f.policy.OnFailure(PushPolicy::Failure::kNotEnrolled);
  REQUIRE(f.InMs() == PushPolicy::kNotEnrolledMs);
  SECTION("unless a person asks, who may have mended it") {
    f.policy.OnAsked();
    REQUIRE(f.InMs() < PushPolicy::kUrgentSpreadMs);
  }
}

TEST_CASE("a push that left more to send goes on at once") {
  PolicyFixture f;
  f.FirstPush();
  f.policy.OnMore();
  REQUIRE(f.InMs() == 0);
  f.policy.OnSuccess();
  REQUIRE(f.InMs() > 100'000);
}

TEST_CASE("time asleep counts: a push is due after a night") {
  PolicyFixture f;
  f.FirstPush();
  f.clock.Advance(8 * 3'600'000);
  REQUIRE(f.policy.Due(false, true));
}

}  // namespace
}  // namespace candor
