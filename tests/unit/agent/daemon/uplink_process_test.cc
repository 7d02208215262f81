#include "agent/daemon/uplink_process.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

// A program that stands where candor-uplink would.
std::string MakeProgram(const testing::TempFolder& folder, const std::string& script) {
  const std::string path = folder.File("uplink");
  std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST_CASE("a started uplink has the socket as descriptor 3, and not the daemon's end of it") {
  const testing::TempFolder folder;
  const std::string program = MakeProgram(
      folder, "echo \"$*\" >&3; read line <&3; echo \"heard $line\" >&3; cat <&3 >/dev/null");
  auto uplink = UplinkProcess::Start({"", program, "/state"});
  REQUIRE_OK(uplink);
  const int fd = uplink->TakeSocket();
  REQUIRE(write(fd, "hello\n", 6) == 6);
  std::string said;
  char byte = 0;
  pollfd ready{fd, POLLIN, 0};
  while (said.find("heard hello\n") == std::string::npos && poll(&ready, 1, 10'000) == 1 &&
         read(fd, &byte, 1) == 1) {
    said += byte;
  }
  REQUIRE(said == "push --state /state --fd 3\nheard hello\n");
  // Only a child without a copy of our end sees the end of input when we close it.
  close(fd);
  bool ended = false;
  for (int i = 0; i < 1'000 && !ended; ++i) {
    ended = uplink->Reap();
    if (!ended) poll(nullptr, 0, 10);
  }
  REQUIRE(ended);
}

TEST_CASE("an uplink that does not end goes with its object") {
  const testing::TempFolder folder;
  const std::string program = MakeProgram(folder, "echo $$ >&3; exec sleep 1000");
  int fd = -1;
  std::string pid;
  {
    auto uplink = UplinkProcess::Start({"", program, "/state"});
    REQUIRE_OK(uplink);
    fd = uplink->TakeSocket();
    char byte = 0;
    pollfd ready{fd, POLLIN, 0};
    REQUIRE(poll(&ready, 1, 10'000) == 1);
    while (read(fd, &byte, 1) == 1 && byte != '\n') pid += byte;
    REQUIRE_FALSE(uplink->Reap());
  }
  close(fd);
  REQUIRE_FALSE(std::filesystem::exists("/proc/" + pid));
}

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  return address;
}

int ListenAt(const std::string& path, int backlog) {
  const sockaddr_un address = AddressOf(path);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener, backlog) == 0);
  return listener;
}

TEST_CASE("where a service manager listens, connecting is enough") {
  const testing::TempFolder folder;
  const std::string path = folder.File("uplink.sock");
  const int listener = ListenAt(path, 1);
  auto uplink = UplinkProcess::Start({path, "/nowhere/uplink", "/state"});
  REQUIRE_OK(uplink);
  const int accepted = accept(listener, nullptr, nullptr);
  REQUIRE(accepted >= 0);
  REQUIRE(uplink->Reap());
  close(accepted);
  close(listener);
}

TEST_CASE("a listener whose queue is full is unavailable at once: the daemon never waits for it") {
  const testing::TempFolder folder;
  const std::string path = folder.File("uplink.sock");
  const int listener = ListenAt(path, 0);
  const sockaddr_un address = AddressOf(path);
  std::vector<int> waiting;
  while (true) {
    waiting.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (connect(waiting.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      break;
  }
  auto started = std::async(std::launch::async, [&] {
    return UplinkProcess::Start({path, "/nowhere/uplink", "/state"}).status();
  });
  const bool at_once = started.wait_for(std::chrono::seconds(5)) == std::future_status::ready;
  // Lets go of one that waits.
  close(listener);
  for (const int fd : waiting) close(fd);
  REQUIRE(at_once);
  REQUIRE(absl::IsUnavailable(started.get()));
}

TEST_CASE("without listener and program there is one clear error") {
  REQUIRE(absl::IsNotFound(UplinkProcess::Start({"/nowhere/sock", "", "/state"}).status()));
  const auto missing = UplinkProcess::Start({"", "/nowhere/uplink", "/state"});
  REQUIRE_FALSE(missing.ok());
  REQUIRE(std::string(missing.status().message()).find("/nowhere/uplink") != std::string::npos);
}

TEST_CASE("the uplink is found beside an installed program and in a build folder") {
  const testing::TempFolder folder;
  const std::string own = folder.File("bin/candor-agent");
  REQUIRE(absl::IsNotFound(FindUplinkProgram(own).status()));
  const std::string place = GENERATE("libexec/candor", "bin/uplink");
  std::filesystem::create_directories(folder.File("bin"));
  std::filesystem::create_directories(folder.File(place));
  const std::string program = folder.File(place) + "/candor-uplink";
  std::ofstream(program) << "";
  chmod(program.c_str(), 0755);
  const auto found = FindUplinkProgram(own);
  REQUIRE_OK(found);
  REQUIRE(std::filesystem::equivalent(*found, program));
}

}  // namespace
}  // namespace candor
