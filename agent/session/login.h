// The login behind this desktop session, as logind and the person's own service manager know it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace candor {

struct Login {
  std::string session;      // logind's id of it
  bool of_a_person = true;  // not the login screen's own
  int64_t login_us = 0;     // when it was opened, after the password; CLOCK_MONOTONIC
  // When graphical-session.target was reached, on the same clock; nothing where this desktop does
  // not use it.
  std::optional<int64_t> desktop_us;
};

// Asks once, and waits for each answer for two seconds at most. Unavailable where there is no bus
// or no logind, NotFound where this user has no session.
absl::StatusOr<Login> ReadLogin();

}  // namespace candor
