// A small DNS server with known answers, for tests: UDP, A and AAAA, one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace candor::testing {

class DnsServer {
 public:
  // Listens on `address` (IPv4 or IPv6) in the calling thread's network namespace; port 0 picks
  // one.
  explicit DnsServer(std::string address = "127.0.0.1", uint16_t port = 0);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  // "ADDRESS:PORT", "[ADDRESS]:PORT" of IPv6
  std::string address() const;

  // Addresses in text, IPv4 and IPv6. Names without any are answered with NXDOMAIN.
  void Set(const std::string& name, std::vector<std::string> addresses);
  // As if the name had never been set.
  void Remove(const std::string& name);
  // Every answer waits this long, those to questions that came together side by side.
  void SetDelayMs(int delay_ms) { delay_ms_ = delay_ms; }
  // The next `count` questions get no answer.
  void Drop(int count) { drop_ = count; }
  int questions() const { return questions_; }

 private:
  void Serve();
  std::string AnswerTo(const std::string& question);

  std::string address_;
  int fd_ = -1;
  int stop_[2] = {-1, -1};
  uint16_t port_ = 0;
  std::atomic<int> delay_ms_ = 0;
  std::atomic<int> drop_ = 0;
  std::atomic<int> questions_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> addresses_;
  std::thread thread_;
};

}  // namespace candor::testing
