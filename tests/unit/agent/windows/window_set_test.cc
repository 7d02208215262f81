#include "agent/windows/window_set.h"

#include <string>

#include "common/registry.h"
#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"

namespace candor {
namespace {

using testing::ManualClock;

const std::string kBoot(16, 'b');
// 2026-09-21 13:46:00 UTC, a whole minute.
constexpr int64_t kStart = 1'789'998'360'000;
static_assert(kStart % 60'000 == 0);

const Window* FindWindow(const Harvest& harvest, uint32_t metric, std::string_view subject = "") {
  for (const Window& window : harvest.minute->windows) {
    if (window.metric == metric && window.subject == subject) return &window;
  }
  return nullptr;
}

int CountEvents(const Harvest& harvest, v1::Event::WhatCase what) {
  int count = 0;
  for (const auto& recorded : harvest.events) count += recorded.event.what_case() == what;
  return count;
}

TEST_CASE("a minute holds what was recorded in it, by kind") {
  ManualClock clock(kStart);
  WindowSet windows(clock, kBoot);
  windows.Record(metric::kRtt, "mail", 12'000);
  windows.Record(metric::kRtt, "mail", 18'000);
  windows.Count(metric::kSegmentsSent, "", 100);
  windows.Count(metric::kSegmentsSent, "", 20);
  windows.Gauge(metric::kDiskFree, "", 1024);
  windows.Gauge(metric::kDiskFree, "", 2048);
  windows.Watched(watch::kTcp, 10'000);
  windows.Watched(watch::kTcp, 10'000);
  clock.Advance(60'000);
  const Harvest harvest = windows.Close();

  REQUIRE(harvest.minute->minute.wall_min == kStart / 60'000);
  REQUIRE(harvest.minute->minute.observed_s == 60);
  REQUIRE(harvest.minute->minute.boot_id == kBoot);
  REQUIRE(FindWindow(harvest, metric::kRtt, "mail")->histogram.count() == 2);
  REQUIRE(FindWindow(harvest, metric::kRtt, "mail")->histogram.sum() == 30'000);
  REQUIRE(FindWindow(harvest, metric::kSegmentsSent)->sum == 120);
  REQUIRE(FindWindow(harvest, metric::kDiskFree)->sum == 2048);
  REQUIRE(FindWindow(harvest, metric::kWatched, "tcp")->sum == 20'000);

  SECTION("and the next one starts empty") {
    clock.Advance(60'000);
    const Harvest next = windows.Close();
    REQUIRE(next.minute->minute.wall_min == kStart / 60'000 + 1);
    REQUIRE(next.minute->windows.empty());
  }
}

TEST_CASE("windows come sorted by metric and subject") {
  ManualClock clock(kStart);
  WindowSet windows(clock, kBoot);
  windows.Gauge(metric::kDiskFree, "", 1);
  windows.Record(metric::kRtt, "b", 1);
  windows.Record(metric::kRtt, "a", 1);
  windows.Record(metric::kDns, "z", 1);
  clock.Advance(60'000);
  const Harvest harvest = windows.Close();
  std::vector<std::string> order;
  for (const auto& window : harvest.minute->windows) {
    order.push_back(std::to_string(window.metric) + window.subject);
  }
  REQUIRE(order == std::vector<std::string>{"101a", "101b", "102z", "301"});
}

TEST_CASE("a minute is over when the wall clock has left it, forward or back") {
  ManualClock clock(kStart + 30'000);
  WindowSet windows(clock, kBoot);
  REQUIRE_FALSE(windows.MinuteOver());
  SECTION("by passing time") {
    clock.Advance(29'999);
    REQUIRE_FALSE(windows.MinuteOver());
    clock.Advance(1);
    REQUIRE(windows.MinuteOver());
    REQUIRE(windows.Close().minute->minute.observed_s == 30);
  }
  SECTION("by a clock set back ten hours: watched time is what really passed") {
    clock.Advance(12'000);
    clock.JumpWall(-36'000'000);
    REQUIRE(windows.MinuteOver());
    const Harvest harvest = windows.Close();
    REQUIRE(harvest.minute->minute.observed_s == 12);
    REQUIRE(harvest.minute->minute.wall_min == kStart / 60'000);
    REQUIRE_FALSE(windows.MinuteOver());
  }
  SECTION("by a clock set years ahead") {
    clock.Advance(12'000);
    clock.JumpWall(3 * 365 * kMsPerDay);
    REQUIRE(windows.MinuteOver());
    REQUIRE(windows.Close().minute->minute.observed_s == 12);
  }
  SECTION("a tick that comes hours late does not stretch the minute") {
    clock.Advance(7'200'000);
    REQUIRE(windows.Close().minute->minute.observed_s == 60);
  }
}

TEST_CASE("a minute in which nothing happened and no time passed is not told") {
  ManualClock clock(kStart);
  WindowSet windows(clock, kBoot);
  windows.Close();
  clock.Advance(200);
  REQUIRE(windows.Close().empty());
}

TEST_CASE("the surest sign of activity in a minute counts") {
  ManualClock clock(kStart);
  WindowSet windows(clock, kBoot);
  windows.Activity(ActivityState::kByUptime);
  windows.Activity(ActivityState::kByInput);
  windows.Activity(ActivityState::kInactive);
  REQUIRE_FALSE(windows.in_use());
  clock.Advance(60'000);
  REQUIRE(windows.Close().minute->minute.activity == ActivityState::kByInput);
  clock.Advance(60'000);
  REQUIRE(windows.Close().minute->minute.activity == ActivityState::kInactive);
}

TEST_CASE("an event carries its own time and boot, or now and the present boot") {
  ManualClock clock(kStart, 120);
  WindowSet windows(clock, kBoot);
  v1::Event present;
  present.mutable_crash()->set_program("firefox");
  windows.Event(present);
  v1::Event earlier;
  earlier.set_wall_ms(kStart - 5'000'000);
  earlier.mutable_system_failure()->set_kind(v1::SystemFailure::PANIC);
  const std::string old_boot(16, 'o');
  windows.Event(earlier, old_boot);

  const Harvest harvest = windows.TakeEvents();
  REQUIRE(harvest.events.size() == 2);
  REQUIRE(harvest.events[0].event.wall_ms() == kStart);
  REQUIRE(harvest.events[0].event.utc_offset_min() == 120);
  REQUIRE(harvest.events[0].event.boottime_ms() == clock.BoottimeMs());
  REQUIRE(harvest.events[0].boot_id == kBoot);
  REQUIRE(harvest.events[1].event.wall_ms() == kStart - 5'000'000);
  REQUIRE(harvest.events[1].event.boottime_ms() == 0);
  REQUIRE(harvest.events[1].boot_id == old_boot);
  REQUIRE(windows.latest_events().at(event::kCrash) == kStart);
}

TEST_CASE("urgent events can leave before their minute ends, with their cursor, and only once") {
  ManualClock clock(kStart);
  WindowSet windows(clock, kBoot);
  windows.Record(metric::kRtt, "", 5);
  v1::Event crash;
  crash.mutable_crash()->set_program("other");
  windows.Event(crash, {}, true);
  windows.SetCursor("journal", "s=1");
  REQUIRE(windows.urgent());

  const Harvest early = windows.TakeEvents();
  REQUIRE_FALSE(early.minute);
  REQUIRE(early.cursors.at("journal") == "s=1");
  REQUIRE_FALSE(windows.urgent());

  clock.Advance(60'000);
  const Harvest rest = windows.Close();
  REQUIRE(CountEvents(rest, v1::Event::kCrash) == 0);
  REQUIRE(rest.cursors.empty());
  REQUIRE(rest.minute->windows.size() == 1);
}

TEST_CASE(
    "what cannot be measured is told with the first minute, on change, and once a local day") {
  // 23:50 at UTC+2.
  const int64_t evening = kStart - kStart % kMsPerDay + 21 * 3'600'000 + 50 * 60'000;
  ManualClock clock(evening, 120);
  WindowSet windows(clock, kBoot);
  windows.Unmeasured(metric::kBatteryHealth, "", "no battery");
  std::vector<int> told;
  for (int minute = 0; minute < 14; ++minute) {
    if (minute == 5) windows.Measured(metric::kBatteryHealth, "");
    windows.Unmeasured(metric::kThrottled, "", "the processor has no counters");
    clock.Advance(60'000);
    if (CountEvents(windows.Close(), v1::Event::kUnmeasured) == 1) told.push_back(minute);
  }
  REQUIRE(told == std::vector<int>{0, 5, 10});
}

TEST_CASE("a minute is bounded, and what exceeds it is told") {
  ManualClock clock(kStart);
  WindowSet windows(clock, kBoot);
  SECTION("subjects beyond the bound are merged") {
    for (int i = 0; i < 200; ++i) windows.Count(metric::kAppCpuStall, std::to_string(i), 1);
    clock.Advance(60'000);
    const Harvest harvest = windows.Close();
    REQUIRE(harvest.minute->windows.size() == WindowLimits::kSubjectsMax + 1);
    REQUIRE(FindWindow(harvest, metric::kAppCpuStall, "other")->sum ==
            200 - static_cast<int64_t>(WindowLimits::kSubjectsMax));
  }
  SECTION("events beyond the bound are counted in a notice") {
    v1::Event crash;
    crash.mutable_crash()->set_program("p");
    for (size_t i = 0; i < WindowLimits::kEventsMax + 7; ++i) windows.Event(crash);
    const Harvest harvest = windows.TakeEvents();
    REQUIRE(harvest.events.size() == WindowLimits::kEventsMax + 1);
    REQUIRE(harvest.events.back().event.agent_notice().code() == "minute_over_limit");
    REQUIRE(harvest.events.back().event.agent_notice().text().find("7 events") == 0);
  }
  SECTION("an event too large for a batch is not kept") {
    v1::Event crash;
    crash.mutable_crash()->set_program(std::string(70'000, 'x'));
    windows.Event(crash);
    const Harvest harvest = windows.TakeEvents();
    REQUIRE(CountEvents(harvest, v1::Event::kCrash) == 0);
    REQUIRE(CountEvents(harvest, v1::Event::kAgentNotice) == 1);
  }
  SECTION("a subject that is no text is made one, an event that is not is counted") {
    windows.Count(metric::kAppCpuStall, "bad\xff", 1);
    windows.Count(metric::kAppCpuStall, "bad\xff", 2);
    v1::Event crash;
    crash.mutable_crash()->set_program("\xff");
    windows.Event(crash);
    clock.Advance(60'000);
    const Harvest harvest = windows.Close();
    REQUIRE(FindWindow(harvest, metric::kAppCpuStall, "bad?")->sum == 3);
    REQUIRE(CountEvents(harvest, v1::Event::kCrash) == 0);
    REQUIRE(CountEvents(harvest, v1::Event::kAgentNotice) == 1);
  }
  SECTION("a value under the wrong kind or an unknown number is no measurement") {
    windows.Count(metric::kRtt, "", 1);
    windows.Record(9'999, "", 1);
    clock.Advance(60'000);
    const Harvest harvest = windows.Close();
    REQUIRE(harvest.minute->windows.empty());
    REQUIRE(CountEvents(harvest, v1::Event::kAgentNotice) == 1);
  }
}

TEST_CASE("the latest figures are in the unit people read, and go when they cannot be had") {
  ManualClock clock(kStart);
  WindowSet windows(clock, kBoot);
  windows.Gauge(metric::kDiskFree, "", 1536);
  windows.Record(metric::kRtt, "mail", 20'000);
  clock.Advance(60'000);
  windows.Close();
  windows.Count(metric::kSegmentsSent, "", 42);

  const auto latest = windows.Latest();
  REQUIRE(latest.size() == 3);
  REQUIRE(latest[0].metric == metric::kRtt);
  REQUIRE(latest[0].value == Approx(20.0).epsilon(0.011));
  REQUIRE(latest[1].value == 42);
  REQUIRE(latest[2].value == 1.5);

  windows.Unmeasured(metric::kRtt, "mail", "no link");
  REQUIRE(windows.Latest().size() == 2);
}

}  // namespace
}  // namespace candor
