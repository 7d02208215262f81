#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
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
  fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  bound.sin_port = htons(port);
  socklen_t size = sizeof bound;
  if (fd_ < 0 || inet_pton(AF_INET, address_.c_str(), &bound.sin_addr) != 1 ||
      bind(fd_, reinterpret_cast<sockaddr*>(&bound), size) != 0 ||
      getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size) != 0 || pipe(stop_) != 0) {
    throw std::runtime_error("cannot start the test's DNS server");
  }
  port_ = ntohs(bound.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

DnsServer::~DnsServer() {
  close(stop_[1]);
  thread_.join();
  close(stop_[0]);
  close(fd_);
}

void DnsServer::Set(const std::string& name, std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex_);
  addresses_[name] = std::move(addresses);
}

void DnsServer::Serve() {
  while (true) {
    pollfd ready[2] = {{fd_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    if (poll(ready, 2, -1) < 0 || ready[1].revents != 0) return;
    char buffer[512];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        recvfrom(fd_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < static_cast<ssize_t>(kHeaderBytes)) continue;
    ++questions_;
    if (drop_ > 0) {
      --drop_;
      continue;
    }
    // A slow server's delay is what this test helper is for.
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms_));
    const std::string answer = AnswerTo(std::string(buffer, static_cast<size_t>(got)));
    sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
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
