#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <stdexcept>
#include <utility>

namespace candor::testing {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint16_t kTypeA = 1;
constexpr uint16_t kTypeAaaa = 28;

void Append16(std::string& out, uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

}  // namespace

DnsServer::DnsServer(std::string address, uint16_t port) : address_(std::move(address)) {
  const bool v6 = address_.find(':') != std::string::npos;
  fd_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in v4_bound{};
  v4_bound.sin_family = AF_INET;
  v4_bound.sin_port = htons(port);
  sockaddr_in6 v6_bound{};
  v6_bound.sin6_family = AF_INET6;
  v6_bound.sin6_port = htons(port);
  void* const number = v6 ? static_cast<void*>(&v6_bound.sin6_addr) : &v4_bound.sin_addr;
  auto* const bound =
      v6 ? reinterpret_cast<sockaddr*>(&v6_bound) : reinterpret_cast<sockaddr*>(&v4_bound);
  socklen_t size = v6 ? sizeof v6_bound : sizeof v4_bound;
  if (fd_ < 0 || inet_pton(v6 ? AF_INET6 : AF_INET, address_.c_str(), number) != 1 ||
      bind(fd_, bound, size) != 0 || getsockname(fd_, bound, &size) != 0 || pipe(stop_) != 0) {
    throw std::runtime_error("cannot start the test's DNS server");
  }
  port_ = ntohs(v6 ? v6_bound.sin6_port : v4_bound.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

DnsServer::~DnsServer() {
  close(stop_[1]);
  thread_.join();
  close(stop_[0]);
  close(fd_);
}

std::string DnsServer::address() const {
  const bool v6 = address_.find(':') != std::string::npos;
  return (v6 ? "[" + address_ + "]" : address_) + ":" + std::to_string(port_);
}

void DnsServer::Set(const std::string& name, std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex_);
  addresses_[name] = std::move(addresses);
}

void DnsServer::Remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  addresses_.erase(name);
}

void DnsServer::Serve() {
  using std::chrono::steady_clock;
  struct Waiting {
    steady_clock::time_point due;
    sockaddr_storage to;
    socklen_t size;
    std::string answer;
  };
  std::deque<Waiting> waiting;
  while (true) {
    pollfd ready[2] = {{fd_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    timespec wait{};
    if (!waiting.empty()) {
      const auto left =
          std::max(waiting.front().due - steady_clock::now(), steady_clock::duration());
      wait.tv_sec = left / std::chrono::seconds(1);
      wait.tv_nsec = (left % std::chrono::seconds(1)).count();
    }
    if (ppoll(ready, 2, waiting.empty() ? nullptr : &wait, nullptr) < 0) return;
    if (ready[1].revents != 0) return;
    while (!waiting.empty() && waiting.front().due <= steady_clock::now()) {
      const Waiting& first = waiting.front();
      sendto(fd_, first.answer.data(), first.answer.size(), 0,
             reinterpret_cast<const sockaddr*>(&first.to), first.size);
      waiting.pop_front();
    }
    if (ready[0].revents == 0) continue;
    char buffer[512];
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        recvfrom(fd_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < static_cast<ssize_t>(kHeaderBytes)) continue;
    ++questions_;
    if (drop_ > 0) {
      --drop_;
      continue;
    }
    waiting.push_back({steady_clock::now() + std::chrono::milliseconds(delay_ms_), from, size,
                       AnswerTo(std::string(buffer, static_cast<size_t>(got)))});
  }
}

std::string DnsServer::AnswerTo(const std::string& question) {
  std::string name;
  size_t at = kHeaderBytes;
  while (at < question.size() && question[at] != 0) {
    const auto length = static_cast<size_t>(static_cast<unsigned char>(question[at]));
    if (!name.empty()) name += '.';
    name += question.substr(at + 1, length);
    at += 1 + length;
  }
  const size_t end = at + 5;
  const auto type = static_cast<uint16_t>(static_cast<unsigned char>(question[at + 1]) << 8 |
                                          static_cast<unsigned char>(question[at + 2]));
  std::vector<std::string> records;
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = addresses_.find(name);
    known = entry != addresses_.end();
    if (known) {
      for (const std::string& text : entry->second) {
        char binary[16];
        const bool v6 = text.find(':') != std::string::npos;
        if (v6 != (type == kTypeAaaa) || (!v6 && type != kTypeA)) continue;
        if (inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), binary) != 1) continue;
        records.emplace_back(binary, v6 ? 16 : 4);
      }
    }
  }
  std::string answer = question.substr(0, 2);
  Append16(answer, static_cast<uint16_t>(known ? 0x8180 : 0x8183));
  Append16(answer, 1);
  Append16(answer, static_cast<uint16_t>(records.size()));
  Append16(answer, 0);
  Append16(answer, 0);
  answer += question.substr(kHeaderBytes, end - kHeaderBytes);
  for (const std::string& record : records) {
    Append16(answer, 0xc00c);  // the question's name
    Append16(answer, type);
    Append16(answer, 1);
    Append16(answer, 0);
    Append16(answer, 60);
    Append16(answer, static_cast<uint16_t>(record.size()));
    answer += record;
  }
  return answer;
}

}  // namespace candor::testing
