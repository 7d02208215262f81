// The daemon's ear for desktop sessions, with real sockets.
#include "agent/samplers/responsiveness/session_socket.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/agent/samplers/responsiveness/session_helper.h"

namespace candor {
namespace {

struct Daemon {
  explicit Daemon(bool signed_in = true) {
    std::filesystem::create_directories(folder.File("run/systemd/users"));
    if (signed_in) std::ofstream(folder.File("run/systemd/users/" + std::to_string(::getuid())));
    auto listening = SessionSocket::Listen(path(), folder.File("run"));
    REQUIRE_OK(listening);
    socket = *std::move(listening);
  }
  std::string path() const { return folder.File("session.sock"); }
  std::vector<uint64_t> Read() const {
    std::vector<uint64_t> watched_ms;
    for (const auto& received : socket->Read()) watched_ms.push_back(received.report.watched_ms());
    return watched_ms;
  }

  testing::TempFolder folder;
  std::unique_ptr<SessionSocket> socket;
};
using Reports = std::vector<uint64_t>;

TEST_CASE("reports wait in the socket until they are read, in order") {
  const Daemon daemon;
  const SessionHelper helper(daemon.path());
  helper.Send(SessionHelper::Report(1) + SessionHelper::Report(2));
  CHECK(daemon.Read() == Reports{1, 2});
  CHECK(daemon.Read().empty());
  CHECK(daemon.socket->peers().size() == 1);
  helper.Send(SessionHelper::Report(3));
  CHECK(daemon.Read() == Reports{3});
}

TEST_CASE("a report that comes in pieces is read when it is whole") {
  const Daemon daemon;
  const SessionHelper helper(daemon.path());
  const std::string frame = SessionHelper::Report(4'711);
  for (const char byte : frame) {
    CHECK(daemon.Read().empty());
    helper.Send(std::string(1, byte));
  }
  CHECK(daemon.Read() == Reports{4'711});
}

TEST_CASE("a helper that left has its last words heard") {
  const Daemon daemon;
  SessionHelper helper(daemon.path());
  helper.Send(SessionHelper::Report(1));
  helper.Leave();
  CHECK(daemon.Read() == Reports{1});
  CHECK(daemon.socket->peers().empty());
}

TEST_CASE("who is not signed in is not heard") {
  const Daemon daemon(/*signed_in=*/false);
  const SessionHelper helper(daemon.path());
  helper.Send(SessionHelper::Report(1));
  CHECK(daemon.Read().empty());
  CHECK(daemon.socket->peers().empty());
}

TEST_CASE("nonsense, and more than can be a report, ends the connection and nothing else") {
  const Daemon daemon;
  const SessionHelper honest(daemon.path());
  const SessionHelper other(daemon.path());
  CHECK(daemon.Read().empty());
  SECTION("no protobuf") { other.Send(std::string("\x03\0\0\0\xff\xff\xff", 7)); }
  SECTION("a frame that never ends") {
    for (int i = 0; i < 100; ++i) {
      other.Send(i == 0 ? std::string("\xff\xff\x1f\0", 4) : std::string(8'000, 'x'));
      daemon.Read();
    }
  }
  SECTION("a frame beyond all bounds") { other.Send("\xff\xff\xff\xff"); }
  honest.Send(SessionHelper::Report(5));
  CHECK(daemon.Read() == Reports{5});
  CHECK(daemon.socket->peers().size() == 1);
}

TEST_CASE("of one person only so many helpers are heard") {
  const Daemon daemon;
  std::vector<std::unique_ptr<SessionHelper>> helpers;
  for (size_t i = 0; i < 10; ++i) helpers.push_back(std::make_unique<SessionHelper>(daemon.path()));
  daemon.Read();
  CHECK(daemon.socket->peers().size() == SessionSocket::kPeersPerUserMax);
  helpers.clear();
  daemon.Read();
  CHECK(daemon.socket->peers().empty());
  const SessionHelper late(daemon.path());
  late.Send(SessionHelper::Report(1));
  CHECK(daemon.Read() == Reports{1});
}

TEST_CASE("a socket left by an earlier run is replaced, and removed at the end") {
  testing::TempFolder folder;
  const std::string path = folder.File("session.sock");
  std::ofstream(path) << "left over";
  { REQUIRE_OK(SessionSocket::Listen(path, folder.path())); }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(SessionSocket::Listen(folder.File(std::string(200, 'x')), folder.path()).ok());
}

}  // namespace
}  // namespace candor
