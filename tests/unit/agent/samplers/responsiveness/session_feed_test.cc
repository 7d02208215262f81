#include "agent/samplers/responsiveness/session_feed.h"

#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_recorder.h"

namespace candor {
namespace {

struct Feed {
  void Take(size_t peer, const v1::SessionReport& report,
            const std::vector<std::string>& names = {}) {
    feed.Take(peer, report, names);
  }
  void End(const std::vector<size_t>& peers) { feed.EndTick(peers); }
  bool Unmeasured(uint32_t what) const { return recorder.unmeasured.contains({what, ""}); }

  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  SessionFeed feed{recorder, clock};
};

v1::SessionReport Watched(uint64_t ms) {
  v1::SessionReport report;
  report.set_watched_ms(ms);
  return report;
}

TEST_CASE("without any helper all that only a session sees is unmeasured, with the reason") {
  Feed feed;
  feed.End({});
  for (const uint32_t what :
       {metric::kUiReply, metric::kHangSeconds, metric::kLaunch, event::kHang, event::kSignIn}) {
    REQUIRE(feed.Unmeasured(what));
    CHECK(feed.recorder.unmeasured.at({what, ""}).find("does not run") != std::string::npos);
  }
  CHECK(feed.recorder.watched.empty());
}

TEST_CASE("reply times, hang time and launches are told under the names that were looked up") {
  Feed feed;
  v1::SessionReport report = Watched(10'000);
  auto& editor = *report.add_programs();
  editor.set_executable("/home/alice/secret");
  editor.add_reply_us(1'500);
  editor.add_reply_us(2'500);
  editor.set_hang_ms(2'400);
  auto& launch = *report.add_launches();
  launch.set_program(0);
  launch.set_took_us(2'300'000);
  feed.Take(1, report, {"editor"});
  feed.Take(1, report, {"editor"});
  feed.End({1});
  CHECK(feed.recorder.recorded.at({metric::kUiReply, "editor"}) ==
        std::vector<int64_t>{1'500, 2'500, 1'500, 2'500});
  // 2.4 s twice: what is less than a second is carried.
  CHECK(feed.recorder.counted.at({metric::kHangSeconds, "editor"}) == 4);
  CHECK(feed.recorder.recorded.at({metric::kLaunch, "editor"}) ==
        std::vector<int64_t>{2'300, 2'300});
  CHECK(feed.recorder.watched.at("windows") == 20'000);
}

TEST_CASE("a hang is an event at its beginning") {
  Feed feed;
  v1::SessionReport report;
  report.add_programs();
  auto& hang = *report.add_hangs();
  hang.set_program(0);
  hang.set_duration_ms(7'300);
  hang.set_began_ago_ms(9'000);
  auto& of_nobody = *report.add_hangs();
  of_nobody.set_program(5);
  feed.Take(1, report, {"editor"});
  REQUIRE(feed.recorder.events.size() == 1);
  const v1::Event& event = feed.recorder.events[0].event;
  CHECK(event.hang().application() == "editor");
  CHECK(event.hang().duration_ms() == 7'300);
  CHECK(event.wall_ms() == feed.clock.WallMs() - 9'000);
  CHECK(event.boottime_ms() == feed.clock.BoottimeMs() - 9'000);
  CHECK_FALSE(feed.recorder.events[0].urgent);
}

TEST_CASE("of two sessions one has a person in front of it: their time is not added") {
  Feed feed;
  feed.Take(1, Watched(10'000));
  feed.Take(2, Watched(6'000));
  feed.End({1, 2});
  CHECK(feed.recorder.watched.at("windows") == 10'000);
  feed.End({1, 2});
  CHECK(feed.recorder.watched.at("windows") == 10'000);
}

TEST_CASE("what no session measures is unmeasured, with its word, until one does") {
  Feed feed;
  v1::SessionReport wayland = Watched(0);
  auto& item = *wayland.add_unmeasured();
  item.set_metric(metric::kUiReply);
  item.set_reason("the windows of\nWayland");
  feed.Take(1, wayland);
  feed.End({1});
  REQUIRE(feed.Unmeasured(metric::kUiReply));
  CHECK(feed.recorder.unmeasured.at({metric::kUiReply, ""}) == "the windows of Wayland");
  CHECK_FALSE(feed.Unmeasured(event::kHang));

  feed.Take(2, Watched(0));
  feed.End({1, 2});
  CHECK_FALSE(feed.Unmeasured(metric::kUiReply));
  feed.End({1});
  CHECK(feed.Unmeasured(metric::kUiReply));
  feed.End({});
  CHECK(feed.recorder.unmeasured.at({event::kHang, ""}).find("does not run") != std::string::npos);
}

TEST_CASE("what a helper makes up stays within bounds") {
  Feed feed;
  v1::SessionReport report = Watched(UINT64_MAX);
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) {
    auto& program = *report.add_programs();
    program.add_reply_us(UINT64_MAX);
    program.set_hang_ms(UINT64_MAX);
    auto& hang = *report.add_hangs();
    hang.set_program(static_cast<uint32_t>(i));
    hang.set_duration_ms(UINT64_MAX);
    hang.set_began_ago_ms(UINT64_MAX);
    auto& launch = *report.add_launches();
    launch.set_program(static_cast<uint32_t>(i));
    launch.set_took_us(UINT64_MAX);
    names.push_back("p" + std::to_string(i));
  }
  feed.Take(1, report, names);
  feed.End({1});
  CHECK(feed.recorder.recorded.size() == 2 * SessionFeedLimits::kProgramsMax);
  CHECK(feed.recorder.events.size() == SessionFeedLimits::kHangsMax);
  CHECK(feed.recorder.recorded.at({metric::kUiReply, "p0"}) == std::vector<int64_t>{5'000'000});
  CHECK(feed.recorder.recorded.at({metric::kLaunch, "p0"}) == std::vector<int64_t>{600'000});
  CHECK(feed.recorder.counted.at({metric::kHangSeconds, "p0"}) == 24 * 3'600);
  CHECK(feed.recorder.watched.at("windows") == 150'000);
  CHECK(feed.recorder.events[0].event.hang().duration_ms() == 24 * 3'600'000);
}

TEST_CASE("a sign-in is an event that began when the person signed in, within bounds") {
  Feed feed;
  v1::SessionReport report;
  report.mutable_signed_in()->set_took_us(7'654'321);
  report.mutable_signed_in()->set_first_on_device(true);
  feed.feed.Take(1, report, {});
  REQUIRE(feed.recorder.events.size() == 1);
  const v1::Event& event = feed.recorder.events[0].event;
  CHECK(event.sign_in().duration_ms() == 7'654);
  CHECK(event.sign_in().first_on_device());
  CHECK(event.wall_ms() == feed.clock.WallMs() - 7'654);
  report.mutable_signed_in()->set_took_us(UINT64_MAX);
  feed.feed.Take(1, report, {});
  CHECK(feed.recorder.events[1].event.sign_in().duration_ms() == 600'000);
}

}  // namespace
}  // namespace candor
