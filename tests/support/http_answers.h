// A web server that answers every question with the same bytes, over IPv4 and IPv6, on a thread of
// its own. What only connects is let in and forgotten.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace candor::testing {

class HttpAnswers {
 public:
  // Listens in the calling thread's network namespace, on a port of its own.
  explicit HttpAnswers(std::string answer) : answer_(std::move(answer)) {
    fd_ = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int no = 0;
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    socklen_t size = sizeof any;
    if (setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0 ||
        bind(fd_, reinterpret_cast<sockaddr*>(&any), size) != 0 || listen(fd_, 64) != 0 ||
        getsockname(fd_, reinterpret_cast<sockaddr*>(&any), &size) != 0) {
      throw std::runtime_error("cannot start the test's web server");
    }
    port_ = ntohs(any.sin6_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HttpAnswers() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  HttpAnswers(const HttpAnswers&) = delete;
  HttpAnswers& operator=(const HttpAnswers&) = delete;

  uint16_t port() const { return port_; }
  int asked() const { return asked_; }
  void Set(std::string answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }

 private:
  void Serve() {
    while (true) {
      const int client = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      char request[2048];
      if (read(client, request, sizeof request) > 0) {
        ++asked_;
        const std::lock_guard lock(mutex_);
        send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      }
      close(client);
    }
  }

  int fd_ = -1;
  uint16_t port_ = 0;
  std::mutex mutex_;
  std::string answer_;
  std::atomic<int> asked_ = 0;
  std::thread thread_;
};

}  // namespace candor::testing
