#include "collector/fold/day_values.h"

#include <cmath>
#include <set>

#include "candor/v1/envelope.pb.h"
#include "collector/fold/facts.h"
#include "collector/store/facts.pb.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/fold/fold_store.h"

namespace candor {
namespace {

using testing::BootEvent;
using testing::CrashEvent;
using testing::HangEvent;
using testing::kMonday;
using testing::ResumeEvent;
using testing::SignInEvent;
using testing::SystemFailureEvent;

std::shared_ptr<const Model> Candor1() {
  return ModelSet::BuiltIn().value().Find(kDefaultModel).value();
}

// One day's facts and events, minute by minute.
class Day {
 public:
  explicit Day(int64_t day) : day_(day) {}

  Day& Minutes(int count, ActivityState state = ActivityState::kByInput, uint32_t observed_s = 60) {
    Minute minute;
    minute.activity = state;
    minute.observed_s = observed_s;
    for (int i = 0; i < count; ++i) facts_.AddMinute(minute);
    return *this;
  }
  Day& Sum(uint32_t metric, int64_t sum, std::string_view subject = "",
           ActivityState state = ActivityState::kByInput) {
    facts_.AddWindow(*FindMetric(metric), subject, state, sum, {}, {1, 1, 1});
    return *this;
  }
  Day& Values(uint32_t metric, std::initializer_list<int64_t> values,
              ActivityState state = ActivityState::kByInput) {
    Histogram histogram;
    for (const int64_t value : values) histogram.Add(value);
    facts_.AddWindow(*FindMetric(metric), "", state, 0, histogram, {1, 1, 1});
    return *this;
  }
  Day& Watched(std::string_view source, int64_t minutes) {
    return Sum(metric::kWatched, minutes * 60'000, source);
  }
  Day& Event(v1::Event event) {
    events_.push_back(std::move(event));
    return *this;
  }

  DaySummary Summarize() {
    store::v1::FactSet set;
    REQUIRE(set.ParseFromString(facts_.Serialize()));
    std::vector<DayEvent> events;
    int64_t at = day_ * 86'400'000;
    for (const v1::Event& event : events_) events.push_back({at += 3'600'000, &event});
    return SummarizeDay(day_, set, events);
  }

 private:
  int64_t day_;
  FactAccumulator facts_;
  std::vector<v1::Event> events_;
};

std::optional<double> Value(const std::vector<DaySummary>& days, ScoreMetric metric) {
  return DeriveValues(days, *Candor1())[IndexOf(metric)];
}

TEST_CASE("boot_s is the median of fourteen days, less passphrase waits, without updates") {
  std::vector<DaySummary> days = {
      Day(kMonday).Event(BootEvent(500)).Summarize(),  // out of the window of day 14
      Day(kMonday + 1).Event(BootEvent(40, 10)).Summarize(),
      Day(kMonday + 5).Event(BootEvent(20)).Event(BootEvent(300, 0, true)).Summarize(),
      Day(kMonday + 14).Event(BootEvent(26)).Summarize()};
  // 20, 26, 30.
  CHECK(Value(days, ScoreMetric::kBoot) == Approx(26));
  days.pop_back();
  // 20, 30, 500: the window of day 5 begins before the first.
  CHECK(Value(days, ScoreMetric::kBoot) == Approx(30));
  CHECK_FALSE(Value({Day(kMonday).Summarize()}, ScoreMetric::kBoot));
}

TEST_CASE("an even median averages the middle two") {
  std::vector<DaySummary> days = {
      Day(kMonday).Event(ResumeEvent(1'000)).Event(ResumeEvent(9'000)).Summarize(),
      Day(kMonday + 1).Event(ResumeEvent(2'500)).Event(ResumeEvent(4'000)).Summarize()};
  CHECK(Value(days, ScoreMetric::kResume) == Approx(3.25));
}

TEST_CASE("a boot without its total, and a first sign-in, are no measurement") {
  v1::Event no_total;
  no_total.mutable_boot_done()->set_userspace_us(5'000'000);
  std::vector<DaySummary> days = {Day(kMonday)
                                      .Event(no_total)
                                      .Event(SignInEvent(90'000, true))
                                      .Event(SignInEvent(12'345))
                                      .Summarize()};
  CHECK_FALSE(Value(days, ScoreMetric::kBoot));
  CHECK(Value(days, ScoreMetric::kSignIn) == Approx(12.345));
}

TEST_CASE("crashes count per active day of the window, and no fewer days than one") {
  const auto days_with = [](int minutes) {
    return std::vector<DaySummary>{
        Day(kMonday - 1).Minutes(999).Event(CrashEvent("old")).Summarize(),  // eight days before
        Day(kMonday + 1)
            .Minutes(minutes)
            .Watched(watch::kCoredumps, minutes)
            .Event(CrashEvent("editor", 2))
            .Event(CrashEvent("other", 0, false))
            .Summarize(),
        Day(kMonday + 7)
            .Minutes(minutes)
            .Watched(watch::kCoredumps, minutes)
            .Event(CrashEvent("mail"))
            .Summarize()};
  };
  // Four crashes of owned programs.
  CHECK(Value(days_with(30), ScoreMetric::kAppCrashes) == 2.0);
  CHECK(Value(days_with(600), ScoreMetric::kAppCrashes) == 2.0);
  CHECK(Value(days_with(29), ScoreMetric::kAppCrashes) == 4.0);
}

// A week on each day of which somebody worked `minutes`: the rest is what it is whatever their
// number.
std::vector<DaySummary> WeekOf(int minutes) {
  std::vector<DaySummary> days;
  const auto part = [&](double share) { return std::llround(share * minutes * 60'000); };
  for (int i = 0; i < 7; ++i) {
    Day day(kMonday + i);
    day.Minutes(minutes).Event(CrashEvent("mail")).Event(HangEvent(7'000));
    for (const std::string_view source :
         {watch::kJournal, watch::kCoredumps, watch::kTcp, watch::kProbes, watch::kPressure,
          watch::kThrottle, watch::kWindows}) {
      day.Watched(source, minutes);
    }
    day.Sum(metric::kMemoryStall, part(0.1713)).Sum(metric::kCpuStall, part(0.3397));
    day.Sum(metric::kThrottled, part(0.0719));
    // Shares in hundredths are the same to a second or so; the exact ones are all different.
    const int64_t offline_s = part(0.0123) / 1000;
    day.Sum(metric::kOfflineSeconds, offline_s);
    day.Sum(metric::kOnlineSeconds, minutes * 60 - offline_s);
    day.Sum(metric::kHangSeconds, part(0.0031) / 1000);
    days.push_back(day.Summarize());
  }
  return days;
}

TEST_CASE("A score in full precision does not tell how long somebody worked") {
  std::set<double> scores;
  int lengths = 0;
  for (int minutes = 60; minutes <= 660; minutes += 7, ++lengths) {
    const DeviceDay day = DeriveDay(WeekOf(minutes), *Candor1());
    REQUIRE(day.values[IndexOf(ScoreMetric::kAppCrashes)] == 1.0);
    REQUIRE(day.values[IndexOf(ScoreMetric::kAppHangs)] == 1.0);
    REQUIRE(day.score.score);
    scores.insert(*day.score.score);
  }
  INFO(scores.size() << " scores of " << lengths << " lengths of day");
  // The two shares counted in whole seconds differ by a hundredth or two in short days.
  CHECK(scores.size() <= 10);
}

TEST_CASE("a count is measured only if its source was watched for 90 per cent of active time") {
  const auto crashes = [](int watched) {
    return Value({Day(kMonday).Minutes(50).Watched(watch::kCoredumps, 50).Summarize(),
                  Day(kMonday + 1).Minutes(50).Watched(watch::kCoredumps, watched).Summarize()},
                 ScoreMetric::kAppCrashes);
  };
  CHECK(crashes(50) == 0.0);
  CHECK(crashes(40) == 0.0);
  CHECK_FALSE(crashes(39));
  CHECK_FALSE(crashes(0));
}

TEST_CASE("watching while nobody was there does not make up for time unwatched") {
  Day day(kMonday);
  day.Minutes(60).Minutes(600, ActivityState::kInactive).Watched(watch::kJournal, 30);
  day.Sum(metric::kWatched, 600 * 60'000, watch::kJournal, ActivityState::kInactive);
  CHECK_FALSE(Value({day.Summarize()}, ScoreMetric::kSystemFailures));
}

TEST_CASE("without active time there is no count, not a count of zero") {
  Day day(kMonday);
  day.Minutes(600, ActivityState::kInactive);
  day.Sum(metric::kWatched, 600 * 60'000, watch::kJournal, ActivityState::kInactive);
  CHECK_FALSE(Value({day.Summarize()}, ScoreMetric::kAppCrashes));
  CHECK_FALSE(Value({day.Summarize()}, ScoreMetric::kSystemFailures));
}

TEST_CASE("where core dumps go elsewhere, failures of the system count still, crashes do not") {
  Day day(kMonday);
  day.Minutes(60).Watched(watch::kJournal, 60).Event(CrashEvent("mail"));
  CHECK(Value({day.Summarize()}, ScoreMetric::kSystemFailures) == 0.0);
  CHECK_FALSE(Value({day.Summarize()}, ScoreMetric::kAppCrashes));
}

TEST_CASE("system failures of four kinds count, a hung task does not") {
  Day day(kMonday);
  day.Minutes(60).Watched(watch::kJournal, 60);
  for (const auto kind :
       {v1::SystemFailure::PANIC, v1::SystemFailure::UNCLEAN_SHUTDOWN, v1::SystemFailure::GPU_RESET,
        v1::SystemFailure::OUT_OF_MEMORY_KILL, v1::SystemFailure::HUNG_TASK}) {
    day.Event(SystemFailureEvent(kind));
  }
  CHECK(Value({day.Summarize()}, ScoreMetric::kSystemFailures) == 4.0);
}

TEST_CASE("hangs and their share need the window watcher") {
  Day watched(kMonday);
  watched.Minutes(100).Watched(watch::kWindows, 95).Sum(metric::kHangSeconds, 57);
  watched.Event(HangEvent(7'000)).Event(HangEvent(50'000));
  CHECK(Value({watched.Summarize()}, ScoreMetric::kAppHangs) == 2.0);
  // 57 of 95 × 60 seconds watched.
  CHECK(Value({watched.Summarize()}, ScoreMetric::kHang) == Approx(1));
  Day unwatched(kMonday);
  unwatched.Minutes(100);
  CHECK_FALSE(Value({unwatched.Summarize()}, ScoreMetric::kAppHangs));
  CHECK_FALSE(Value({unwatched.Summarize()}, ScoreMetric::kHang));
}

TEST_CASE("quantiles come from the day's own active windows") {
  Day before(kMonday);
  before.Minutes(60).Values(metric::kRtt, {900'000});
  Day day(kMonday + 1);
  day.Minutes(60).Values(metric::kRtt, {10'000, 20'000, 30'000, 40'000});
  day.Values(metric::kRtt, {800'000}, ActivityState::kInactive);
  day.Values(metric::kDns, {20'000}).Values(metric::kUiReply, {150'000});
  day.Values(metric::kLaunch, {2'000, 3'000, 4'000, 60'000});
  const std::vector<DaySummary> days = {before.Summarize(), day.Summarize()};
  CHECK(Value(days, ScoreMetric::kRtt) == Approx(30).epsilon(0.011));
  CHECK(Value(days, ScoreMetric::kDns) == 20.0);
  CHECK(Value(days, ScoreMetric::kUiReply) == 150.0);
  CHECK(Value(days, ScoreMetric::kLaunch) == Approx(4).epsilon(0.011));
}

TEST_CASE("loss is retransmitted of sent, and unmeasured when nothing was sent") {
  Day day(kMonday);
  day.Minutes(60).Watched(watch::kTcp, 60);
  CHECK_FALSE(Value({day.Summarize()}, ScoreMetric::kLoss));
  day.Sum(metric::kSegmentsSent, 4'000).Sum(metric::kSegmentsRetransmitted, 30);
  CHECK(Value({day.Summarize()}, ScoreMetric::kLoss) == 0.75);
  Day unwatched(kMonday);
  unwatched.Minutes(60).Sum(metric::kSegmentsSent, 4'000);
  CHECK_FALSE(Value({unwatched.Summarize()}, ScoreMetric::kLoss));
}

TEST_CASE("offline is a share of the time with a link: a flight is not a fault") {
  Day day(kMonday);
  day.Minutes(60).Watched(watch::kProbes, 60);
  day.Sum(metric::kNoLinkSeconds, 1'800);
  CHECK_FALSE(Value({day.Summarize()}, ScoreMetric::kOffline));
  day.Sum(metric::kOnlineSeconds, 1'620).Sum(metric::kOfflineSeconds, 180);
  CHECK(Value({day.Summarize()}, ScoreMetric::kOffline) == Approx(10));
}

TEST_CASE("stall is the worse of memory and disk, over watched time") {
  Day day(kMonday);
  day.Minutes(100).Watched(watch::kPressure, 90);
  day.Sum(metric::kMemoryStall, 54'000).Sum(metric::kIoStall, 540'000);
  day.Sum(metric::kCpuStall, 2'700'000)
      .Sum(metric::kIoStall, 9'999'999, "", ActivityState::kInactive);
  CHECK(Value({day.Summarize()}, ScoreMetric::kStall) == Approx(10));
  CHECK(Value({day.Summarize()}, ScoreMetric::kCpuWait) == Approx(50));
}

TEST_CASE("shares are in hundredths of a per cent") {
  Day day(kMonday);
  // 7 of 6,000 seconds are 0.11666… per cent.
  day.Minutes(100).Watched(watch::kThrottle, 100).Sum(metric::kThrottled, 7'000);
  CHECK(Value({day.Summarize()}, ScoreMetric::kThrottle) == 0.12);
}

TEST_CASE("shares never pass 100 per cent") {
  Day day(kMonday);
  day.Minutes(10).Watched(watch::kThrottle, 10).Sum(metric::kThrottled, 900'000);
  CHECK(Value({day.Summarize()}, ScoreMetric::kThrottle) == 100.0);
}

TEST_CASE("disk and battery are the day's latest, the lowest of several") {
  Day day(kMonday);
  day.Sum(metric::kDiskFree, 40 * 1024 + 512).Sum(metric::kBatteryHealth, 8'150);
  CHECK(Value({day.Summarize()}, ScoreMetric::kDiskFree) == 40.5);
  CHECK(Value({day.Summarize()}, ScoreMetric::kBattery) == 81.5);
  day.Sum(metric::kDiskFree, 10 * 1024, "home");
  CHECK(Value({day.Summarize()}, ScoreMetric::kDiskFree) == 10.0);
  // Yesterday's battery is not today's.
  const std::vector<DaySummary> days = {day.Summarize(), Day(kMonday + 1).Minutes(60).Summarize()};
  CHECK_FALSE(Value(days, ScoreMetric::kBattery));
}

TEST_CASE("logins only: their minutes count, and coverage shrinks") {
  Day day(kMonday);
  day.Minutes(60, ActivityState::kByLogin);
  for (const std::string_view source : {watch::kJournal, watch::kCoredumps}) {
    day.Sum(metric::kWatched, 60 * 60'000, source, ActivityState::kByLogin);
  }
  day.Values(metric::kRtt, {30'000}, ActivityState::kByLogin);
  const std::vector<DaySummary> days = {day.Summarize()};
  const DeviceDay derived = DeriveDay(days, *Candor1());
  CHECK(derived.activity.active_min == 60);
  CHECK(derived.values[IndexOf(ScoreMetric::kRtt)] == 30.0);
  // 0.9 × (0.25 × 0.70 + 0.25 × 0.40)
  CHECK(derived.score.coverage == Approx(0.9 * 0.275));
  CHECK_FALSE(derived.score.score);
}

TEST_CASE("a model's own window and share are obeyed") {
  Model model = *Candor1();
  for (DomainModel& domain : model.domains) {
    for (MetricModel& metric : domain.metrics) {
      if (metric.metric == ScoreMetric::kBoot) metric.window_days = 1;
    }
  }
  model.watched_share_min = 0.5;
  const std::vector<DaySummary> days = {
      Day(kMonday).Event(BootEvent(90)).Summarize(),
      Day(kMonday + 1).Minutes(100).Watched(watch::kJournal, 50).Event(BootEvent(20)).Summarize()};
  const MetricValues values = DeriveValues(days, model);
  CHECK(values[IndexOf(ScoreMetric::kBoot)] == 20.0);
  CHECK(values[IndexOf(ScoreMetric::kSystemFailures)] == 0.0);
}

}  // namespace
}  // namespace candor
