// The rule of usage.h over what can be seen of sessions. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/columns.h"

namespace candor {

// One login session as logind describes it.
struct SessionState {
  enum class Kind {
    kDesktop,  // a person's graphical session
    kText,     // a person's console or remote session
    kGreeter,  // the login screen
    kNobody,   // background jobs, a session that is closing
  };
  Kind kind = Kind::kNobody;
  bool in_front = false;  // state "active"
  bool locked = false;
  bool idle = false;
  int64_t idle_since_us = 0;  // wall clock; 0: nothing was ever told
};

// From logind's words for class, type and state of a session.
SessionState::Kind SessionKind(std::string_view session_class, std::string_view type,
                               std::string_view state);

class ActivityJudge {
 public:
  static constexpr int64_t kInputWithinUs = 5 * 60'000'000LL;

  // `idle_told`: a desktop on this device has told of idleness before.
  explicit ActivityJudge(bool idle_told) : idle_told_(idle_told) {}

  ActivityState Judge(std::span<const SessionState> sessions, int64_t now_wall_us);
  // Without logind: from the number of logins in utmp.
  ActivityState JudgeLogins(int logins) const;

  bool idle_told() const { return idle_told_; }

 private:
  void Learn(const SessionState& session);

  bool idle_told_;
  bool desktop_here_ = false;
};

}  // namespace candor
