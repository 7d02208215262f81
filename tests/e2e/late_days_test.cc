// A batch that comes late changes the facts of its own days and the scores that look back on them,
// nothing else; one for a day that is sealed is counted as too late.
#include <fstream>
#include <nlohmann/json.hpp>

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

struct TooLate {
  uint64_t batches = 0;
  uint64_t windows = 0;
  uint64_t events = 0;
};

// "too_late DEVICE DAY batches N windows N events N"
TooLate SumTooLate(std::string_view dump) {
  TooLate sum;
  ForEachDumpLine(dump, [&](const DumpLine& line) {
    if (line.table != "too_late") return;
    sum.batches += std::stoull(std::string(line.words.at(4)));
    sum.windows += std::stoull(std::string(line.words.at(6)));
    sum.events += std::stoull(std::string(line.words.at(8)));
  });
  return sum;
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

  bool facts_changed = false, own_score_changed = false, later_score_changed = false;
  for (const auto& [table, day_text] : Differences(before, after)) {
    INFO(table << " " << day_text);
    const auto day = ParseDay(day_text);
    REQUIRE_OK(day);
    if (table == "score" || table == "metric" || table == "domain") {
      CHECK(*day >= late_day);
      CHECK(*day < late_day + kLookBackDays);
      own_score_changed = own_score_changed || *day == late_day;
      later_score_changed = later_score_changed || *day > late_day;
    } else {
      CHECK(*day == late_day);
      facts_changed = facts_changed || table == "fact";
    }
  }
  CHECK(facts_changed);
  CHECK(own_score_changed);
  CHECK(later_score_changed);

  collector.Offline("rebuild");
  CHECK((collector.Dump() == after));
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
  const std::string truth_file = collector.folder() + "/truth.json";
  std::vector<std::string> words = OneDay(late_day);
  words.insert(words.end(), {"--truth", truth_file});
  collector.Start();
  collector.Play(words);
  CHECK(collector.Metric("ingest_refused_total") == 0);
  collector.WaitFolded();
  collector.Stop();
  const std::string after = collector.Dump();

  const std::set<std::pair<std::string, std::string>> expected = {
      {"too_late", FormatDay(late_day)}};
  const auto differences = Differences(before, after);
  for (const auto& [fold, day] : differences) UNSCOPED_INFO(fold << " " << day);
  CHECK(differences == expected);

  // Nothing of it went uncounted.
  std::ifstream in(truth_file);
  const nlohmann::json fleet = nlohmann::json::parse(in)["fleet"];
  uint64_t windows = 0, events = 0;
  for (const auto& [metric, count] : fleet["windows"].items()) windows += count.get<uint64_t>();
  for (const auto& [kind, count] : fleet["events"].items()) events += count.get<uint64_t>();
  const TooLate told = SumTooLate(after);
  CHECK(told.batches == fleet["batches"].get<uint64_t>());
  CHECK(told.windows == windows);
  CHECK(told.events == events);
  CHECK(windows > 0);
  CHECK(events > 0);

  collector.Offline("rebuild");
  CHECK((collector.Dump() == after));
}

}  // namespace
}  // namespace candor::testing
