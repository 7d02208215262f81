// The helper's end of its socket, with real sockets.
#include "agent/session/agent_link.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "agent/samplers/responsiveness/session_socket.h"
#include "candor/v1/local.pb.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

struct Helper {
  Helper() {
    std::filesystem::create_directories(folder.File("run/systemd/users"));
    link = AgentLink::Start(io, path(), [this](bool there) { changes.push_back(there); }, {10, 80});
  }
  std::string path() const { return folder.File("session.sock"); }
  void SignIn() const { std::ofstream(folder.File("run/systemd/users/") + UserId()); }
  static std::string UserId() { return std::to_string(::getuid()); }
  std::unique_ptr<SessionSocket> Listen() const {
    auto listening = SessionSocket::Listen(path(), folder.File("run"));
    REQUIRE_OK(listening);
    return *std::move(listening);
  }
  void Run(int64_t ms) { io.run_for(std::chrono::milliseconds(ms)); }
  // Until the link is (not) there; false where that does not come.
  bool RunUntil(bool there) {
    for (int i = 0; i < 500 && link->connected() != there; ++i) Run(10);
    return link->connected() == there;
  }

  testing::TempFolder folder;
  boost::asio::io_context io;
  std::vector<bool> changes;
  std::unique_ptr<AgentLink> link;
};

v1::SessionReport Report(uint64_t watched_ms) {
  v1::SessionReport report;
  report.set_watched_ms(watched_ms);
  return report;
}

TEST_CASE("a daemon that comes later is found, and found again after it went") {
  Helper helper;
  helper.SignIn();
  helper.Run(50);
  CHECK(helper.changes.empty());
  for (uint64_t life = 1; life <= 3; ++life) {
    auto daemon = helper.Listen();
    REQUIRE(helper.RunUntil(true));
    helper.link->Send(Report(life));
    const auto received = daemon->Read();
    REQUIRE(received.size() == 1);
    CHECK(received[0].report.watched_ms() == life);
    daemon.reset();
    REQUIRE(helper.RunUntil(false));
  }
  CHECK(helper.changes == std::vector<bool>{true, false, true, false, true, false});
  helper.link->Send(Report(9));
}

TEST_CASE("a daemon that ends each connection at once is asked less and less often") {
  Helper helper;  // nobody is signed in
  const auto daemon = helper.Listen();
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1'000);
  while (std::chrono::steady_clock::now() < until) {
    helper.Run(2);
    helper.link->Send(Report(1));
    daemon->Read();
  }
  const auto connects = std::count(helper.changes.begin(), helper.changes.end(), true);
  CHECK(connects >= 2);
  CHECK(connects <= 20);  // a hundred without the growing steps
}

TEST_CASE("a daemon that does not read makes reports go, and nothing wait") {
  Helper helper;
  helper.SignIn();
  const auto daemon = helper.Listen();
  REQUIRE(helper.RunUntil(true));
  v1::SessionReport report;
  report.add_programs()->set_executable(std::string(30'000, 'x'));
  for (int i = 0; i < 200; ++i) helper.link->Send(report);
  size_t read = 0;
  for (int i = 0; i < 50; ++i) read += daemon->Read().size();
  CHECK(read > 0);
  CHECK(read < 200);
}

}  // namespace
}  // namespace candor
