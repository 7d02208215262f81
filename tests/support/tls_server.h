// A TLS server on loopback, on OpenSSL itself: accepts one connection at a time, may ask for client
// certificates, and answers what the test says.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace candor::testing {

class TlsServer {
 public:
  struct Options {
    std::string certificate_pem;  // with the chain behind it
    std::string key_pem;
    std::string client_ca_pem;  // not empty: a client certificate of it is mandatory
    // Gives the answer to what the client sent first; empty: nothing is sent.
    std::function<std::string(const std::string& request)> answer;
    bool handshake = true;  // false: accepts and says nothing, for ever
  };
  explicit TlsServer(Options options);
  ~TlsServer();
  uint16_t port() const { return port_; }

 private:
  void Loop();
  void Serve(int fd);
  Options options_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace candor::testing
