#include "agent/session/report.h"

#include "common/registry.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

const WindowProgram kEditor{"/usr/bin/editor", "editor", "/app.slice/app-editor-1.scope"};
const WindowProgram kBrowser{"/usr/bin/browser", "browser", ""};

TEST_CASE("a report holds what happened since the one before, by program") {
  ReportBuilder builder;
  builder.OnReply(kEditor, 1'500);
  builder.OnReply(kBrowser, 2'500);
  builder.OnReply(kEditor, 3'500);
  builder.OnHang(kBrowser, 10'000'000, 6'400'000);
  builder.OnHangTime(kBrowser, 2'000'500);
  builder.OnHangTime(kBrowser, 1'000'700);
  builder.AddLaunch(kEditor, 2'300'000);
  builder.AddWatched(9'000'400);
  builder.AddWatched(1'000'700);
  const v1::SessionReport report = builder.Take(20'000'000);
  REQUIRE(report.programs_size() == 2);
  CHECK(report.programs(0).executable() == kEditor.executable);
  CHECK(report.programs(0).task() == "editor");
  CHECK(report.programs(0).cgroup() == kEditor.cgroup);
  REQUIRE(report.programs(0).reply_us_size() == 2);
  CHECK(report.programs(0).reply_us(1) == 3'500);
  CHECK(report.programs(1).hang_ms() == 3'001);
  REQUIRE(report.hangs_size() == 1);
  CHECK(report.hangs(0).program() == 1);
  CHECK(report.hangs(0).duration_ms() == 6'400);
  CHECK(report.hangs(0).began_ago_ms() == 10'000);
  REQUIRE(report.launches_size() == 1);
  CHECK(report.launches(0).took_us() == 2'300'000);
  CHECK(report.watched_ms() == 10'001);

  CHECK(builder.Empty());
  const v1::SessionReport next = builder.Take(30'000'000);
  CHECK(next.programs_size() == 0);
  CHECK(next.hangs_size() == 0);
  CHECK(next.watched_ms() == 0);
}

TEST_CASE("what is unmeasured is in every report, and news by itself") {
  ReportBuilder builder;
  CHECK_FALSE(builder.Empty());  // the first report says that somebody is here
  builder.Take(0);
  CHECK(builder.Empty());
  builder.SetUnmeasured(metric::kUiReply, "no windows to be seen");
  builder.SetUnmeasured(event::kSignIn, "not yet");
  CHECK_FALSE(builder.Empty());
  for (int i = 0; i < 2; ++i) {
    const v1::SessionReport report = builder.Take(0);
    REQUIRE(report.unmeasured_size() == 2);
    CHECK(report.unmeasured(0).event() == event::kSignIn);
    CHECK(report.unmeasured(1).metric() == metric::kUiReply);
    CHECK(report.unmeasured(1).reason() == "no windows to be seen");
  }
  builder.SetUnmeasured(metric::kUiReply, "no windows to be seen");
  CHECK(builder.Empty());
  builder.SetUnmeasured(metric::kUiReply, "");
  CHECK(builder.Take(0).unmeasured_size() == 1);
}

TEST_CASE("a report has bounds, whatever a session does") {
  ReportBuilder builder;
  for (int i = 0; i < 500; ++i) {
    const WindowProgram program{"/usr/bin/" + std::to_string(i), "", ""};
    builder.OnReply(program, 1);
    builder.OnHang(program, 0, 6'000'000);
    builder.OnHangTime(program, 1'000'000);
    builder.AddLaunch(program, 1);
  }
  for (int i = 0; i < 5'000; ++i) builder.OnReply({"/usr/bin/0", "", ""}, i);
  const v1::SessionReport report = builder.Take(0);
  CHECK(report.programs_size() == ReportBuilder::kProgramsMax);
  CHECK(report.hangs_size() == ReportBuilder::kEndedMax);
  CHECK(report.launches_size() == ReportBuilder::kEndedMax);
  CHECK(report.programs(0).reply_us_size() == ReportBuilder::kRepliesMax);
  for (const auto& hang : report.hangs()) {
    CHECK(hang.program() < static_cast<uint32_t>(report.programs_size()));
  }
}

}  // namespace
}  // namespace candor
