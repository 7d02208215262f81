// Server and client of the control socket, over a real one.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "agent/daemon/control_client.h"
#include "agent/daemon/control_server.h"
#include "agent/local/framing.h"
#include "candor/v1/local.pb.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

// Answers a ledger request with as many entries as it asks for, a status with one, else an error.
ControlReplies Answer(const v1::ControlRequest& request) {
  return [request, told = uint32_t{0}]() mutable -> std::optional<v1::ControlReply> {
    v1::ControlReply reply;
    const uint32_t wanted = request.has_ledger() ? request.ledger().limit() : 1;
    if (told == wanted) return std::nullopt;
    ++told;
    if (request.has_ledger()) {
      reply.mutable_entry()->set_seq(told);
      reply.mutable_entry()->set_sealed(std::string(1'000, 'x'));
    } else if (request.has_status()) {
      reply.mutable_status()->set_version("1.2.3");
    } else {
      reply.set_error("not known here");
    }
    return reply;
  };
}

struct ControlFixture {
  ControlFixture() {
    auto listening = ControlServer::Listen(io, path, Answer);
    REQUIRE_OK(listening);
    server = std::move(*listening);
    thread = std::thread([this] { io.run(); });
  }
  ~ControlFixture() {
    io.stop();
    thread.join();
  }
  testing::TempFolder folder;
  std::string path = folder.File("control.sock");
  boost::asio::io_context io;
  std::unique_ptr<ControlServer> server;
  std::thread thread;
};

TEST_CASE("a question is answered with all its replies, in order") {
  ControlFixture f;
  v1::ControlRequest request;
  request.mutable_ledger()->set_limit(5'000);
  uint64_t next = 1;
  REQUIRE_OK(AskDaemon(f.path, request, [&](const v1::ControlReply& reply) {
    REQUIRE(reply.entry().seq() == next++);
  }));
  REQUIRE(next == 5'001);
}

TEST_CASE("anybody on the laptop may ask") {
  ControlFixture f;
  struct stat info {};
  REQUIRE(stat(f.path.c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0666);
}

TEST_CASE("an error of the daemon is the asker's error") {
  ControlFixture f;
  const absl::Status status =
      AskDaemon(f.path, v1::ControlRequest(), [](const v1::ControlReply&) {});
  REQUIRE(status.message() == "not known here");
}

TEST_CASE("where no daemon is, that is said") {
  const absl::Status status =
      AskDaemon("/nowhere/control.sock", v1::ControlRequest(), [](const v1::ControlReply&) {});
  REQUIRE(absl::IsUnavailable(status));
  REQUIRE(std::string(status.message()).find("not running") != std::string::npos);
}

TEST_CASE("askers who say nothing or nonsense do not keep others from being answered") {
  ControlFixture f;
  std::vector<int> idle;
  for (int i = 0; i < 6; ++i) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, f.path.c_str());
    idle.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(connect(idle.back(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    if (i % 2 == 0) REQUIRE(send(idle.back(), "\xff\xff\xff\xff", 4, MSG_NOSIGNAL) == 4);
  }
  v1::ControlRequest request;
  request.mutable_status();
  std::string version;
  REQUIRE_OK(AskDaemon(f.path, request,
                       [&](const v1::ControlReply& reply) { version = reply.status().version(); }));
  REQUIRE(version == "1.2.3");
  for (const int fd : idle) close(fd);
}

TEST_CASE("out of descriptors the server waits for better times, and does not spin") {
  const testing::TempFolder folder;
  const std::string path = folder.File("control.sock");
  boost::asio::io_context io;
  auto server = ControlServer::Listen(io, path, Answer);
  REQUIRE_OK(server);
  io.poll();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  const int asker = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{static_cast<rlim_t>(asker) + 1, before.rlim_max};
  // Whatever lies below may be free: taken too.
  std::vector<int> taken;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (int fd = dup(asker); fd >= 0; fd = dup(asker)) taken.push_back(fd);
  const bool connected = connect(asker, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  const size_t turns = io.run_for(std::chrono::milliseconds(200));
  setrlimit(RLIMIT_NOFILE, &before);
  for (const int fd : taken) close(fd);
  REQUIRE(connected);
  REQUIRE(turns < 20);

  // And then answers who waited.
  v1::ControlRequest request;
  request.mutable_status();
  std::string frame;
  REQUIRE_OK(AppendMessageFrame(request, frame));
  REQUIRE(send(asker, frame.data(), frame.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(frame.size()));
  io.run_for(std::chrono::milliseconds(ControlLimits::kAcceptPauseMs + 500));
  char answer[256];
  REQUIRE(recv(asker, answer, sizeof answer, MSG_DONTWAIT) > 0);
  close(asker);
}

TEST_CASE("a socket left behind by an earlier run is replaced") {
  const testing::TempFolder folder;
  const std::string path = folder.File("control.sock");
  {
    boost::asio::io_context io;
    REQUIRE_OK(ControlServer::Listen(io, path, Answer));
  }
  // A crash leaves the file.
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  close(fd);
  boost::asio::io_context io;
  REQUIRE_OK(ControlServer::Listen(io, path, Answer));
}

TEST_CASE("a path too long for a socket is refused with its name") {
  boost::asio::io_context io;
  const auto server = ControlServer::Listen(io, "/tmp/" + std::string(200, 'x'), Answer);
  REQUIRE(absl::IsInvalidArgument(server.status()));
}

}  // namespace
}  // namespace candor
