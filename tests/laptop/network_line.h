// A laptop and its services in network namespaces of their own with a line of known delay and loss
// between them (packet_relay.h), and the network sampler on that laptop. Needs root.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/samplers/network/network.h"
#include "tests/support/catch.h"
#include "tests/support/dns_server.h"
#include "tests/support/http_answers.h"
#include "tests/support/manual_clock.h"
#include "tests/support/packet_relay.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

inline constexpr char kLaptopAddress[] = "10.111.0.1";
inline constexpr char kLaptopAddress6[] = "fd11::1";
inline constexpr char kServiceAddress[] = "10.111.0.2";
inline constexpr char kServiceAddress6[] = "fd11::2";
inline constexpr char kOwnPage[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncandor-ok";

// The services' end knows mail.example.org by both kinds of address, mail4 and mail6 by one.
class NetworkLine {
 public:
  explicit NetworkLine(PacketRelay::Options options = {});

  // Runs `work` in the laptop's namespace, whose own interfaces are below sys() meanwhile.
  void OnLaptop(const std::function<void()>& work);
  std::string sys() const { return sys_.path(); }
  // Only inside OnLaptop.
  void SetLaptopLink(bool up);

  // Sends `bytes` from the laptop to the service over a connection of its own, and closes it.
  void Send(size_t bytes, bool v6);

  // A service on the line; `host` is mail, mail4 or mail6.
  ProbedService Mail(const std::string& host) const;
  // One whose answer over plain HTTP is looked at.
  ProbedService Checked() const;

  std::unique_ptr<PacketRelay> relay;
  std::unique_ptr<DnsServer> dns;
  std::unique_ptr<DnsServer> dns6;
  std::unique_ptr<HttpAnswers> web;
  uint16_t port = 0;
  // Nobody answers at the services' port any more; connects are refused.
  void StopListening() { listener_ = OwnedFd(); }

 private:
  OwnedFd Accept(int client) const;

  std::unique_ptr<NetworkNamespace> laptop_;
  std::unique_ptr<NetworkNamespace> service_;
  OwnedFd listener_;
  TempFolder sys_;
};

// The sampler on that laptop. Only inside OnLaptop.
struct MeasuredLine {
  using Key = RecordingRecorder::Key;

  MeasuredLine(const NetworkLine& line, const std::vector<ProbedService>& services,
               NetworkOptions options = {}, const std::string& sys = {});
  void SampleAfter(int64_t ms);
  // Segments sent so far, once they are at least `segments`: the kernel tells of a closed
  // connection a moment later, on a worker of its own.
  int64_t SentOver(int64_t segments);
  double MedianMs(uint32_t what, const std::string& subject);
  // Where programs of a busy machine take part, what they waited for a CPU only adds.
  double LeastMs(uint32_t what, const std::string& subject);
  int64_t Counted(uint32_t what, const std::string& subject = "") {
    return recorder.counted[{what, subject}];
  }
  // Causes of time offline so far, by name, with their seconds: "portal 10".
  std::string Causes() const;

  boost::asio::io_context io;
  ManualClock clock;
  RecordingRecorder recorder;
  std::unique_ptr<Sampler> sampler;
};

}  // namespace candor::testing
