// A batch that comes late changes the facts of its own days and the scores that look back on them,
// nothing else; one for a day that is sealed is counted as too late.
#include "common/clock.h"
#include "common/time_text.h"
#include "tests/e2e/dump_text.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"

namespace candor::testing {
namespace {

constexpr int kLookBackDays = 14;

// The last Wednesday at least `days` ago, so that the simulated laptops work on it.
int64_t WorkdayAgo(int days) {
  const int64_t day = LocalDay(SystemClock().WallMs(), 0) - days;
  const int64_t weekday = (day + 3) % 7;  // Monday 0
  return day - (weekday + 5) % 7;
}

std::vector<std::string> OneDay(int64_t day) {
  return {"--devices", "4", "--seed", "9", "--days", "1", "--end-day", FormatDay(day)};
}

TEST_CASE("a day that comes 20 days late changes itself and the scores that look back on it") {
  CollectorFixture collector;
  collector.Start();
  collector.Play(
      {"--token-file", collector.TokenFile(4), "--devices", "4", "--days", "16", "--seed", "9"});
  collector.WaitFolded();
  collector.Stop();
  const std::string before = collector.Dump();

  const int64_t late_day = WorkdayAgo(18);
  collector.Start();
  collector.Play(OneDay(late_day));
  collector.WaitFolded();
  collector.Stop();
  const std::string after = collector.Dump();

  bool facts_changed = false;
  for (const auto& [table, day_text] : Differences(before, after)) {
    INFO(table << " " << day_text);
    const auto day = ParseDay(day_text);
    REQUIRE_OK(day);
    if (table == "score" || table == "metric" || table == "domain") {
      CHECK(*day >= late_day);
      CHECK(*day < late_day + kLookBackDays);
    } else {
      CHECK(*day == late_day);
      facts_changed = facts_changed || table == "fact";
    }
  }
  CHECK(facts_changed);
}

TEST_CASE("a day that comes 40 days late is acknowledged, counted as too late and not folded") {
  CollectorFixture collector;
  collector.Start();
  collector.Play(
      {"--token-file", collector.TokenFile(4), "--devices", "4", "--days", "3", "--seed", "9"});
  collector.WaitFolded();
  collector.Stop();
  const std::string before = collector.Dump();

  const int64_t late_day = WorkdayAgo(40);
  collector.Start();
  collector.Play(OneDay(late_day));
  CHECK(collector.Metric("ingest_refused_total") == 0);
  collector.WaitFolded();
  collector.Stop();
  const std::string after = collector.Dump();

  const std::set<std::pair<std::string, std::string>> expected = {
      {"too_late", FormatDay(late_day)}};
  const auto differences = Differences(before, after);
  for (const auto& [fold, day] : differences) UNSCOPED_INFO(fold << " " << day);
  CHECK(differences == expected);
}

}  // namespace
}  // namespace candor::testing
