#include "agent/samplers/usage/activity.h"

namespace candor {
namespace {

// What one session says; the strongest of all sessions holds.
enum class Says { kNothing, kWithoutInformation, kUnused, kDesktopWithoutInformation, kInput };

Says DesktopSays(const SessionState& session, bool idle_told) {
  if (!session.in_front || session.locked || session.idle) return Says::kUnused;
  return idle_told ? Says::kInput : Says::kDesktopWithoutInformation;
}

Says TextSays(const SessionState& session, int64_t now_wall_us) {
  if (session.idle_since_us == 0) return Says::kWithoutInformation;
  const bool input = now_wall_us - session.idle_since_us <= ActivityJudge::kInputWithinUs;
  return input ? Says::kInput : Says::kUnused;
}

}  // namespace

SessionState::Kind SessionKind(std::string_view session_class, std::string_view type,
                               std::string_view state) {
  using Kind = SessionState::Kind;
  if (state == "closing") return Kind::kNobody;
  if (session_class == "greeter") return Kind::kGreeter;
  // "user", and of later versions "user-early", "user-light" and their like.
  if (!session_class.starts_with("user")) return Kind::kNobody;
  const bool desktop = type == "x11" || type == "wayland" || type == "mir";
  return desktop ? Kind::kDesktop : Kind::kText;
}

void ActivityJudge::Learn(const SessionState& session) {
  const bool desktop = session.kind == SessionState::Kind::kDesktop;
  if (desktop || session.kind == SessionState::Kind::kGreeter) desktop_here_ = true;
  if (desktop && (session.idle || session.idle_since_us > 0)) idle_told_ = true;
}

ActivityState ActivityJudge::Judge(std::span<const SessionState> sessions, int64_t now_wall_us) {
  for (const SessionState& session : sessions) Learn(session);
  Says strongest = Says::kNothing;
  for (const SessionState& session : sessions) {
    Says says = Says::kNothing;
    if (session.kind == SessionState::Kind::kDesktop) says = DesktopSays(session, idle_told_);
    if (session.kind == SessionState::Kind::kText) says = TextSays(session, now_wall_us);
    if (says > strongest) strongest = says;
  }
  switch (strongest) {
    case Says::kInput:
      return ActivityState::kByInput;
    case Says::kDesktopWithoutInformation:
    case Says::kWithoutInformation:
      return ActivityState::kByLogin;
    case Says::kUnused:
      return ActivityState::kInactive;
    case Says::kNothing:
      break;
  }
  return desktop_here_ ? ActivityState::kInactive : ActivityState::kByUptime;
}

ActivityState ActivityJudge::JudgeLogins(int logins) const {
  return logins > 0 ? ActivityState::kByLogin : ActivityState::kByUptime;
}

}  // namespace candor
