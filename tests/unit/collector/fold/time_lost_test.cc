#include "collector/fold/time_lost.h"

#include <map>
#include <string>

#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kNine = 9 * 3'600 * kSecond;

TimeLostModel Model1() { return ModelSet::BuiltIn()->Find(kDefaultModel).value()->time_lost; }

std::map<std::string, double> Lost(const DaySummary& day) {
  std::map<std::string, double> lost;
  for (const LostTime& one : TimeLost(day, Model1())) lost[std::string(one.cause)] = one.minutes;
  return lost;
}

DaySummary Worked(int64_t minutes) {
  DaySummary day;
  day.activity.state = ActivityState::kByInput;
  day.activity.active_min = minutes;
  return day;
}

TEST_CASE("what is above the limit is lost, each time it happened") {
  DaySummary day = Worked(480);
  day.boots = {{kNine, 90 * kSecond}, {kNine + 3'600 * kSecond, 29 * kSecond}};
  day.sign_ins = {{kNine + 100 * kSecond, 45 * kSecond}};
  day.resumes = {{kNine + 7'200 * kSecond, 11 * kSecond}, {kNine + 9'000 * kSecond, 8 * kSecond}};
  const auto lost = Lost(day);
  CHECK(lost.size() == 3);
  CHECK(lost.at("boot") == Approx(1));
  CHECK(lost.at("signin") == Approx(0.5));
  CHECK(lost.at("resume") == Approx(9.0 / 60));
}

TEST_CASE("launches count by their excess over four seconds") {
  DaySummary day = Worked(480);
  day.launch.Add(3'900, 100);
  day.launch.Add(10'000, 20);
  CHECK(Lost(day).at("launch") == Approx(2).epsilon(0.02));
}

TEST_CASE("failures cost what the model assumes") {
  DaySummary day = Worked(480);
  day.app_crashes = 3;
  day.system_failures = 2;
  const auto lost = Lost(day);
  CHECK(lost.at("crash") == Approx(6));
  CHECK(lost.at("system_failure") == Approx(20));
}

TEST_CASE("intervals that overlap are counted once") {
  DaySummary day = Worked(480);
  // Two windows hang together; a third hang while the laptop wakes up.
  day.resumes = {{kNine, 65 * kSecond}};
  day.hangs = {{kNine - 10 * kSecond, 20 * kSecond},
               {kNine + 300 * kSecond, 60 * kSecond},
               {kNine + 330 * kSecond, 60 * kSecond}};
  const auto lost = Lost(day);
  CHECK(lost.at("resume") == Approx(1));
  CHECK(lost.at("hang") == Approx(1.5));
}

TEST_CASE("an interval that bridges two is counted for its gap only") {
  DaySummary day = Worked(480);
  day.hangs = {{kNine + 10 * kSecond, 10 * kSecond},
               {kNine + 30 * kSecond, 10 * kSecond},
               {kNine + 30 * kSecond, 30 * kSecond}};
  CHECK(Lost(day).at("hang") == Approx(0.5));
}

TEST_CASE("what is lost while working does not exceed the time worked") {
  DaySummary day = Worked(30);
  day.offline_s = 20 * 60;
  day.io_stall_ms = 15 * 60'000;
  day.memory_stall_ms = 3 * 60'000;
  day.launch.Add(64'000, 10);
  const auto lost = Lost(day);
  CHECK(lost.at("offline") == Approx(20));
  CHECK(lost.at("stall") == Approx(10));
  CHECK(lost.count("launch") == 0);
}

TEST_CASE("a good day costs nothing") { CHECK(Lost(Worked(480)).empty()); }

}  // namespace
}  // namespace candor
