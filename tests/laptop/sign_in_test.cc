// A person signs in to a booted laptop with candor-agent installed: candor-session is started with
// their desktop and measures the sign-in by the same clocks as logind and their service manager.
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/laptop/container.h"
#include "tests/laptop/desktop.h"
#include "tests/laptop/laptop_line.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/packages.h"
#include "tests/laptop/person.h"
#include "tests/support/wait_for.h"

namespace candor {
namespace {

using nlohmann::json;
using testing::CollectorFixture;
using testing::Container;
using testing::Person;
using testing::WaitFor;

// The sign-ins in what the laptop sent, oldest first: milliseconds and whether it was the first.
std::vector<std::pair<double, bool>> SignIns(const Container& laptop) {
  std::vector<std::pair<double, bool>> found;
  for (const json& row : testing::SentRows(laptop)) {
    if (row.value("name", "") != "sign_in") continue;
    const std::string text = row.at("detail");
    INFO(text);
    const size_t at = text.find("duration_ms=");
    REQUIRE(at != std::string::npos);
    found.emplace_back(std::stod(text.substr(at + sizeof "duration_ms=" - 1)),
                       text.find("first_on_device=yes") != std::string::npos);
  }
  return found;
}

// Signs in and waits until the sign-in is among those that were sent; how long the desktop took, in
// milliseconds, by the clocks of others.
double SignInAndTell(const Container& laptop, const std::string& display, size_t told) {
  Person alice(laptop, "alice", display);
  alice.SignIn();
  REQUIRE(WaitFor(150, [&] { return SignIns(laptop).size() == told; }));
  // Somebody who restarts the helper has not signed in again.
  RequireSuccess(alice.Run({"systemctl", "--user", "restart", "candor-session"}), "restart");
  std::this_thread::sleep_for(std::chrono::seconds(15));
  return alice.DesktopAfterMs();
}

TEST_CASE("candor-session starts with the desktop and its sign-in agrees with logind's clock") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  const testing::Disk disk(testing::SystemTree());
  const testing::Packages packages("deb");
  testing::LaptopLine line(1'000);
  const Container::Options options = {.tree = disk.path(),
                                      .keeps = true,
                                      .binds = {{packages.folder(), "/packages"}},
                                      .resolv_conf = line.resolv_conf()};
  line.OnLaptop([&] {
    CollectorFixture collector;
    collector.Start();
    const testing::Desktop desktop;
    double first_ms = 0;
    {
      const Container laptop(options);
      testing::WriteQuickSettings(laptop, line);
      testing::WriteEnrollFile(laptop, collector);
      testing::InstallPackage(laptop, packages.FileOf("candor-agent"));
      first_ms = SignInAndTell(laptop, desktop.display(), 1);
    }
    const Container laptop(options);
    const double second_ms = SignInAndTell(laptop, desktop.display(), 2);
    const auto sign_ins = SignIns(laptop);
    REQUIRE(sign_ins.size() == 2);
    // Settling comes on top where this machine's memory or disk was busy.
    CHECK(sign_ins[0].first >= first_ms - 1);
    CHECK(sign_ins[0].first <= first_ms + 125'000);
    CHECK(sign_ins[0].second);
    CHECK(sign_ins[1].first >= second_ms - 1);
    CHECK_FALSE(sign_ins[1].second);
    const double apart_ms =
        std::min(std::abs(sign_ins[0].first - first_ms), std::abs(sign_ins[1].first - second_ms));
    CHECK(apart_ms <= 50);
  });
}

}  // namespace
}  // namespace candor
