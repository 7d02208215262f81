// A helper of a desktop session as the daemon hears it: a connection to its socket. One thread.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "agent/local/framing.h"
#include "candor/v1/local.pb.h"
#include "tests/support/catch.h"

namespace candor {

class SessionHelper {
 public:
  explicit SessionHelper(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~SessionHelper() { Leave(); }
  SessionHelper(const SessionHelper&) = delete;
  SessionHelper& operator=(const SessionHelper&) = delete;

  void Leave() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void Send(const std::string& bytes) const {
    // A laptop that closed the connection already is no concern of the sender's.
    [[maybe_unused]] const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  static std::string Report(uint64_t watched_ms) {
    v1::FromSession message;
    message.mutable_report()->set_watched_ms(watched_ms);
    return Frame(message);
  }
  static std::string Frame(const v1::FromSession& message) {
    std::string frame;
    REQUIRE(AppendMessageFrame(message, frame).ok());
    return frame;
  }

 private:
  int fd_;
};

}  // namespace candor
