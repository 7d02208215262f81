#include "agent/session/sign_in.h"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "common/registry.h"
#include "common/time_units.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

int64_t NowUs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * kUsPerSecond + now.tv_nsec / 1'000;
}

// Where a person signs in: folders of theirs and of the machine's.
struct Machine {
  Machine() {
    std::filesystem::create_directories(places.proc + "/pressure");
    std::filesystem::create_directories(places.runtime_folder);
    std::filesystem::create_directories(places.etc);
    std::ofstream(places.etc + "/machine-id") << "0123456789abcdef0123456789abcdef\n";
  }
  void CountStalls() {
    for (const char* kind : {"cpu", "memory", "io"}) {
      std::ofstream(places.proc + "/pressure/" + kind)
          << "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234\n";
    }
  }
  // One session from its login on; what it reports of its sign-in.
  v1::SessionReport SignIn(const absl::StatusOr<Login>& login, int run_ms = 10) {
    boost::asio::io_context io;
    ReportBuilder report;
    candor::SignIn sign_in(io, places, report);
    sign_in.Begin(login, NowUs());
    io.run_for(std::chrono::milliseconds(run_ms));
    return report.Take(NowUs());
  }

  testing::TempFolder folder;
  SignInPlaces places{.runtime_folder = folder.File("run"),
                      .state_folder = folder.File("home/.local/state"),
                      .proc = folder.File("proc"),
                      .etc = folder.File("etc")};
};

Login LoginAgo(const std::string& session, int64_t ago_us, int64_t desktop_ago_us) {
  const int64_t now_us = NowUs();
  Login login;
  login.session = session;
  login.login_us = now_us - ago_us;
  login.desktop_us = now_us - desktop_ago_us;
  return login;
}

TEST_CASE("a sign-in lasts from the login to the settled desktop") {
  Machine machine;
  machine.CountStalls();
  const v1::SessionReport report = machine.SignIn(LoginAgo("3", 4'000'000, 500'000), 4'500);
  REQUIRE(report.has_signed_in());
  CHECK(report.signed_in().took_us() == 3'500'000);
}

TEST_CASE("where nobody counts stalls a sign-in ends with the desktop") {
  Machine machine;
  const v1::SessionReport report = machine.SignIn(LoginAgo("3", 4'000'000, 500'000));
  REQUIRE(report.has_signed_in());
  CHECK(report.signed_in().took_us() == 3'500'000);
}

TEST_CASE("a person's first sign-in on a machine is marked, later ones are not") {
  Machine machine;
  CHECK(machine.SignIn(LoginAgo("3", 4'000'000, 0)).signed_in().first_on_device());
  const v1::SessionReport second = machine.SignIn(LoginAgo("5", 4'000'000, 0));
  REQUIRE(second.has_signed_in());
  CHECK_FALSE(second.signed_in().first_on_device());
  // The same home on another machine.
  std::ofstream(machine.places.etc + "/machine-id") << "fedcba9876543210fedcba9876543210\n";
  CHECK(machine.SignIn(LoginAgo("7", 4'000'000, 0)).signed_in().first_on_device());
}

TEST_CASE("one session's sign-in is told once, whoever restarts") {
  Machine machine;
  CHECK(machine.SignIn(LoginAgo("3", 4'000'000, 0)).has_signed_in());
  const v1::SessionReport again = machine.SignIn(LoginAgo("3", 4'000'000, 0));
  CHECK_FALSE(again.has_signed_in());
  CHECK(again.unmeasured_size() == 0);
}

TEST_CASE("whoever comes later says that this sign-in is unmeasured") {
  Machine machine;
  const auto [login_ago_us, desktop_ago_us] =
      GENERATE(table<int64_t, int64_t>({{301'000'000, 1'000'000}, {60'000'000, 11'000'000}}));
  const v1::SessionReport report = machine.SignIn(LoginAgo("3", login_ago_us, desktop_ago_us));
  CHECK_FALSE(report.has_signed_in());
  REQUIRE(report.unmeasured_size() == 1);
  CHECK(report.unmeasured(0).event() == event::kSignIn);
}

TEST_CASE("without logind sign-in is unmeasured, with the reason") {
  Machine machine;
  const v1::SessionReport report = machine.SignIn(absl::UnavailableError("no bus"));
  REQUIRE(report.unmeasured_size() == 1);
  CHECK(report.unmeasured(0).reason() == "no bus");
}

}  // namespace
}  // namespace candor
