// The network a test laptop lives in: a namespace of its own, in which the laptop (a container) and
// everything it calls local run, and a line of known delay to another namespace with a DNS server
// and a service "mail.example.org".
#pragma once

#include <functional>
#include <memory>

#include "tests/support/dns_server.h"
#include "tests/support/packet_relay.h"

namespace candor::testing {

class LaptopLine {
 public:
  static constexpr char kLaptopAddress[] = "10.111.0.1";
  static constexpr char kServiceAddress[] = "10.111.0.2";
  static constexpr char kServiceName[] = "mail.example.org";

  // Throws std::runtime_error where it cannot be made.
  explicit LaptopLine(int64_t delay_one_way_us);

  // Runs `work` in the laptop's namespace; what it starts stays there. Rethrows what it throws.
  void OnLaptop(const std::function<void()>& work);

  PacketRelay& relay() { return *relay_; }
  uint16_t service_port() const { return port_; }
  // For the laptop's /etc/resolv.conf.
  std::string resolv_conf() const;

 private:
  std::unique_ptr<NetworkNamespace> laptop_;
  std::unique_ptr<NetworkNamespace> service_;
  std::unique_ptr<PacketRelay> relay_;
  std::unique_ptr<DnsServer> dns_;
  OwnedFd listener_;
  uint16_t port_ = 0;
};

}  // namespace candor::testing
