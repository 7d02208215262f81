// Measures the sign-in that this session began with: from the login to a desktop that has appeared
// and settled (settling.h). Told once a session, whoever restarts candor-session in it.
//
// What it remembers: in the session's runtime folder that this sign-in was told, and in the
// person's own state folder, under a hash of the machine's id, that they have signed in here
// before. Both are empty files of the person's. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/samplers/responsiveness/pressure.h"
#include "agent/session/login.h"
#include "agent/session/report.h"
#include "agent/session/settling.h"

namespace candor {

struct SignInPlaces {
  std::string runtime_folder;  // XDG_RUNTIME_DIR
  std::string state_folder;    // XDG_STATE_HOME, or ~/.local/state
  std::string proc = "/proc";
  std::string etc = "/etc";
};

class SignIn {
 public:
  // Later than this after the login it is not its sign-in that is seen.
  static constexpr int64_t kLoginUsMax = 300'000'000;
  // So long after the desktop appeared nobody knows whether it had settled before.
  static constexpr int64_t kLateUsMax = 10'000'000;

  SignIn(boost::asio::io_context& io, SignInPlaces places, ReportBuilder& report)
      : timer_(io), places_(std::move(places)), report_(report) {}

  // Now is `now_us` (CLOCK_MONOTONIC), the earliest moment at which the desktop is known to be
  // there where nobody else says so. Only the first call counts.
  void Begin(const absl::StatusOr<Login>& login, int64_t now_us);

 private:
  void Look();
  void Tell(int64_t settled_us);
  std::string ToldPath() const;

  boost::asio::steady_timer timer_;
  const SignInPlaces places_;
  ReportBuilder& report_;
  bool begun_ = false;
  Login login_;
  std::optional<Settling> settling_;
  std::unique_ptr<PressureFiles> pressure_;
};

}  // namespace candor
