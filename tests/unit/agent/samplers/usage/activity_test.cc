#include "agent/samplers/usage/activity.h"

#include <vector>

#include "tests/support/catch.h"

namespace candor {
namespace {

using Kind = SessionState::Kind;

constexpr int64_t kNowUs = 1'790'000'000'000'000;
constexpr int64_t kMinuteUs = 60'000'000;

// A desktop in front whose last pause ended a while ago.
SessionState Desktop() {
  return {Kind::kDesktop, /*in_front=*/true, /*locked=*/false, /*idle=*/false,
          kNowUs - 90 * kMinuteUs};
}
SessionState Terminal(int64_t minutes_ago) {
  return {Kind::kText, true, false, false, kNowUs - minutes_ago * kMinuteUs};
}
const SessionState kTransfer = {Kind::kText, true, false, false, 0};
const SessionState kGreeter = {Kind::kGreeter, true, false, false, 0};
const SessionState kCron = {Kind::kNobody, true, false, false, 0};

ActivityState Judge(const std::vector<SessionState>& sessions, bool idle_told = true) {
  return ActivityJudge(idle_told).Judge(sessions, kNowUs);
}

TEST_CASE("an unlocked desktop in front that is not idle is in use by input") {
  CHECK(Judge({Desktop()}) == ActivityState::kByInput);
}

TEST_CASE("a desktop that is idle, locked or in the background is not in use") {
  SessionState session = Desktop();
  SECTION("idle") { session.idle = true; }
  SECTION("locked") { session.locked = true; }
  SECTION("in the background") { session.in_front = false; }
  CHECK(Judge({session}) == ActivityState::kInactive);
}

TEST_CASE("a desktop that never told of idleness counts by login until it does") {
  SessionState session = Desktop();
  session.idle_since_us = 0;
  ActivityJudge judge(/*idle_told=*/false);
  CHECK(judge.Judge(std::vector{session}, kNowUs) == ActivityState::kByLogin);
  CHECK_FALSE(judge.idle_told());

  session.idle = true;
  session.idle_since_us = kNowUs;
  CHECK(judge.Judge(std::vector{session}, kNowUs) == ActivityState::kInactive);
  CHECK(judge.idle_told());

  // The next sign-in begins without any hint; it is known now that hints come.
  session.idle = false;
  session.idle_since_us = 0;
  CHECK(judge.Judge(std::vector{session}, kNowUs) == ActivityState::kByInput);
}

TEST_CASE("a terminal tells by its last input") {
  CHECK(Judge({Terminal(0)}) == ActivityState::kByInput);
  CHECK(Judge({Terminal(5)}) == ActivityState::kByInput);
  CHECK(Judge({Terminal(6)}) == ActivityState::kInactive);
}

TEST_CASE("a login that tells nothing counts by login") {
  CHECK(Judge({kTransfer}) == ActivityState::kByLogin);
}

TEST_CASE("the session with input decides over all others") {
  SessionState locked = Desktop();
  locked.locked = true;
  CHECK(Judge({locked, Terminal(1)}) == ActivityState::kByInput);
  CHECK(Judge({kTransfer, kCron, Desktop()}) == ActivityState::kByInput);
}

TEST_CASE("a silent login does not make an idle desktop active") {
  SessionState idle = Desktop();
  idle.idle = true;
  CHECK(Judge({idle, kTransfer}) == ActivityState::kInactive);
}

TEST_CASE("an old terminal does not hide a desktop that tells nothing yet") {
  SessionState session = Desktop();
  session.idle_since_us = 0;
  CHECK(Judge({session, Terminal(60)}, /*idle_told=*/false) == ActivityState::kByLogin);
}

TEST_CASE("nobody at a login screen is inactive, nobody on a machine without one is uptime") {
  CHECK(Judge({kGreeter}) == ActivityState::kInactive);
  CHECK(Judge({}) == ActivityState::kByUptime);
  CHECK(Judge({kCron}) == ActivityState::kByUptime);
}

TEST_CASE("a desktop signed out leaves the machine inactive") {
  ActivityJudge judge(true);
  judge.Judge(std::vector{Desktop()}, kNowUs);
  CHECK(judge.Judge({}, kNowUs) == ActivityState::kInactive);
}

TEST_CASE("without session service logins count, then uptime") {
  const ActivityJudge judge(false);
  CHECK(judge.JudgeLogins(2) == ActivityState::kByLogin);
  CHECK(judge.JudgeLogins(0) == ActivityState::kByUptime);
}

TEST_CASE("sessions are told apart by class, type and state") {
  CHECK(SessionKind("user", "wayland", "active") == Kind::kDesktop);
  CHECK(SessionKind("user", "x11", "online") == Kind::kDesktop);
  CHECK(SessionKind("user", "tty", "active") == Kind::kText);
  CHECK(SessionKind("user-early", "unspecified", "active") == Kind::kText);
  CHECK(SessionKind("greeter", "wayland", "active") == Kind::kGreeter);
  CHECK(SessionKind("background", "unspecified", "active") == Kind::kNobody);
  CHECK(SessionKind("manager", "unspecified", "active") == Kind::kNobody);
  CHECK(SessionKind("user", "wayland", "closing") == Kind::kNobody);
}

}  // namespace
}  // namespace candor
