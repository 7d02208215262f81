// A laptop of recorded files, whose probes go to real sockets of loopback.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "agent/samplers/network/network.h"
#include "tests/support/catch.h"
#include "tests/support/dns_server.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

// A TCP port of loopback that accepts connections (the kernel shakes hands by itself).
class Listener {
 public:
  Listener() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    REQUIRE(listen(fd_, 64) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { Stop(); }
  void Stop() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

class Laptop {
 public:
  Laptop() {
    roots_.proc = folder_.File("proc");
    roots_.sys = folder_.File("sys");
    roots_.etc = folder_.File("etc");
    roots_.run = folder_.File("run");
    std::filesystem::create_directories(folder_.File("sys/class/net/eth0/device"));
    Write("sys/class/net/eth0/type", "1\n");
    SetLink(true);
  }

  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_.File(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void SetLink(bool up) {
    Write("sys/class/net/eth0/operstate", up ? "up\n" : "down\n");
    Write("sys/class/net/eth0/carrier_changes", up ? "1\n" : "2\n");
  }

  void Start(NetworkOptions options = {}) {
    if (options.dns_servers.empty()) options.dns_servers = dns.address();
    options.step_limit_ms = 500;
    sampler_ = MakeNetworkSampler({io_, clock, recorder, roots_, {}}, options);
  }
  void StartWithSystemResolvers() {
    NetworkOptions options;
    options.step_limit_ms = 500;
    sampler_ = MakeNetworkSampler({io_, clock, recorder, roots_, {}}, options);
  }
  void SetServices(const std::vector<ProbedService>& services) { sampler_->SetServices(services); }
  void SetGateways(const KnownGateways& gateways) { sampler_->SetGateways(gateways); }
  // As SetServices, while the next sample is under way.
  void SetServicesMeanwhile(const std::vector<ProbedService>& services) {
    later_.expires_after(std::chrono::milliseconds(20));
    later_.async_wait([this, services](boost::system::error_code) { SetServices(services); });
  }

  void SampleAfter(int64_t ms, bool in_use = true) {
    clock.Advance(ms);
    RunSample(io_, *sampler_, {.in_use = in_use});
  }
  int64_t Counted(uint32_t what, const std::string& subject = "") {
    return recorder.counted[{what, subject}];
  }
  std::string Reason(uint32_t what, const std::string& subject = "") {
    return recorder.unmeasured[{what, subject}];
  }

  DnsServer dns;
  ManualClock clock;
  RecordingRecorder recorder;

 private:
  TempFolder folder_;
  LinuxRoots roots_;
  boost::asio::io_context io_;
  boost::asio::steady_timer later_{io_};
  std::unique_ptr<Sampler> sampler_;
};

inline ProbedService Service(const std::string& name, uint16_t port) {
  return {.name = name, .host = name + ".example.org", .port = port, .tls = false, .http_path = ""};
}

}  // namespace candor::testing
