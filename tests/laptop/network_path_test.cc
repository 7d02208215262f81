// The network sampler against a line of known delay and loss.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include "agent/samplers/network/network.h"
#include "common/registry.h"
#include "common/status.h"
#include "tests/laptop/needs.h"
#include "tests/support/catch.h"
#include "tests/support/dns_server.h"
#include "tests/support/manual_clock.h"
#include "tests/support/packet_relay.h"
#include "tests/support/recording_recorder.h"

namespace candor {
namespace {

using testing::NetworkNamespace;
using testing::OwnedFd;
using testing::PacketRelay;
using std::chrono_literals::operator""s;
using Key = testing::RecordingRecorder::Key;

constexpr char kLaptopAddress[] = "10.111.0.1";
constexpr char kServiceAddress[] = "10.111.0.2";

sockaddr_in Address(const char* text, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

// A laptop and a service in namespaces of their own, with a line between them.
class Line {
 public:
  explicit Line(PacketRelay::Options options) {
    auto laptop = NetworkNamespace::New();
    auto service = NetworkNamespace::New();
    REQUIRE_OK(laptop);
    REQUIRE_OK(service);
    laptop_ = std::make_unique<NetworkNamespace>(*std::move(laptop));
    service_ = std::make_unique<NetworkNamespace>(*std::move(service));
    options.address_a = kLaptopAddress;
    options.address_b = kServiceAddress;
    options.default_route_a = true;
    auto started = PacketRelay::Start(*laptop_, *service_, options);
    REQUIRE_OK(started);
    relay = *std::move(started);
    REQUIRE_OK(service_->Run([&]() -> absl::Status {
      dns = std::make_unique<testing::DnsServer>(kServiceAddress);
      dns->Set("mail.example.org", {kServiceAddress});
      listener_ = OwnedFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address = Address(kServiceAddress, 0);
      socklen_t size = sizeof address;
      if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
          listen(listener_.get(), 16) != 0 ||
          getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return ErrnoStatus(errno, "listener");
      }
      port = ntohs(address.sin_port);
      return absl::OkStatus();
    }));
  }

  void OnLaptop(const std::function<void()>& work) {
    REQUIRE_OK(laptop_->Run([&] {
      work();
      return absl::OkStatus();
    }));
  }

  // Sends `bytes` from the laptop to the service over a connection of its own, and closes it.
  void Send(size_t bytes) {
    const OwnedFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in to = Address(kServiceAddress, port);
    REQUIRE(connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    const OwnedFd server = Accept(client.get());
    std::thread reader([&] {
      char buffer[65536];
      while (read(server.get(), buffer, sizeof buffer) > 0) {
      }
    });
    const std::vector<char> data(bytes, 'x');
    for (size_t sent = 0; sent < bytes;) {
      const ssize_t put = send(client.get(), data.data() + sent, bytes - sent, MSG_NOSIGNAL);
      if (put <= 0) break;
      sent += static_cast<size_t>(put);
    }
    shutdown(client.get(), SHUT_WR);
    reader.join();
  }

  std::unique_ptr<PacketRelay> relay;
  std::unique_ptr<testing::DnsServer> dns;
  uint16_t port = 0;

 private:
  // The service's end of `client`; probes, which closed again, wait in front of it.
  OwnedFd Accept(int client) const {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    REQUIRE(getsockname(client, reinterpret_cast<sockaddr*>(&own), &size) == 0);
    while (true) {
      sockaddr_in peer{};
      size = sizeof peer;
      OwnedFd server(
          accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
      REQUIRE(server.get() >= 0);
      if (peer.sin_port == own.sin_port) return server;
    }
  }

  std::unique_ptr<NetworkNamespace> laptop_;
  std::unique_ptr<NetworkNamespace> service_;
  OwnedFd listener_;
};

struct Measured {
  explicit Measured(const Line& line, bool icmp = false) {
    NetworkOptions options;
    options.dns_servers = line.dns->address();
    sampler = MakeNetworkSampler({io, clock, recorder, {}, {}}, options);
    ProbedService service;
    service.name = "mail";
    service.host = "mail.example.org";
    service.port = line.port;
    service.icmp = icmp;
    sampler->SetServices({service});
  }
  void SampleAfter(int64_t ms) {
    clock.Advance(ms);
    testing::RunSample(io, *sampler, {.minute_start = true, .in_use = true});
  }
  // The kernel tells of a closed connection a moment later, on a worker of its own.
  int64_t SentOver(int64_t segments) {
    const auto start = std::chrono::steady_clock::now();
    int64_t sent = 0;
    do {
      SampleAfter(60'000);
      sent = recorder.counted[{metric::kSegmentsSent, ""}];
    } while (sent < segments && std::chrono::steady_clock::now() - start < 10s);
    return sent;
  }
  double MedianMs(uint32_t what, const std::string& subject) {
    std::vector<int64_t> values = recorder.recorded[{what, subject}];
    if (values.empty()) return -1;
    std::sort(values.begin(), values.end());
    return static_cast<double>(values[values.size() / 2]) / 1000;
  }

  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  std::unique_ptr<Sampler> sampler;
};

// What programs of this busy machine take part in is later by what they waited for a CPU.
void CheckJustOver(double measured_ms, double line_ms) {
  CHECK(measured_ms >= line_ms);
  CHECK(measured_ms <= line_ms * 1.05 + 20);
}

TEST_CASE("the round trip to a service is the line's own within 5 %") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  const int one_way_ms = GENERATE(10, 40, 150);
  CAPTURE(one_way_ms);
  PacketRelay::Options options;
  options.delay_one_way_us = one_way_ms * 1'000;
  Line line(options);
  line.OnLaptop([&] {
    Measured measured(line);
    for (int i = 0; i < 3; ++i) measured.SampleAfter(60'000);
    CHECK(measured.recorder.recorded[{metric::kRtt, "mail"}].size() == 3);
    CHECK(measured.MedianMs(metric::kRtt, "mail") == Approx(2 * one_way_ms).epsilon(0.05));
    CheckJustOver(measured.MedianMs(metric::kDns, "mail"), 2 * one_way_ms);
    CHECK(measured.recorder.counted[{metric::kProbeFailures, "mail"}] == 0);
  });
}

TEST_CASE("gateway and service are pinged where the system allows it, and only there") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  PacketRelay::Options options;
  options.delay_one_way_us = 20'000;
  Line line(options);
  const bool allowed = GENERATE(true, false);
  line.OnLaptop([&] {
    // The setting belongs to the network namespace.
    std::ofstream range("/proc/sys/net/ipv4/ping_group_range");
    range << (allowed ? "0 2147483647" : "1 0");
    range.close();
    LinuxRoots roots;
    roots.proc = "/proc/thread-self";  // /proc/net is that of the process's first thread
    Measured measured(line, true);
    measured.sampler = MakeNetworkSampler(
        {measured.io, measured.clock, measured.recorder, roots, {}}, {line.dns->address()});
    ProbedService service;
    service.name = "mail";
    service.host = "mail.example.org";
    service.port = line.port;
    service.icmp = true;
    measured.sampler->SetServices({service});
    measured.SampleAfter(60'000);
    auto& recorder = measured.recorder;
    if (allowed) {
      CheckJustOver(measured.MedianMs(metric::kGatewayRtt, ""), 40);
      CheckJustOver(measured.MedianMs(metric::kServicePing, "mail"), 40);
    } else {
      CHECK(recorder.unmeasured[Key{metric::kGatewayRtt, ""}].find("ping_group_range") !=
            std::string::npos);
      CHECK(recorder.unmeasured[Key{metric::kServicePing, "mail"}].find("ping_group_range") !=
            std::string::npos);
    }
  });
}

TEST_CASE("loss on the line shows as retransmitted segments, closed connections included") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  PacketRelay::Options options;
  options.delay_one_way_us = 2'000;
  Line line(options);
  line.OnLaptop([&] {
    Measured measured(line);
    measured.SampleAfter(60'000);
    line.Send(2 << 20);
    auto& counted = measured.recorder.counted;
    // 2 MiB in segments of at most 1,448 bytes.
    const int64_t clean = measured.SentOver(1'449);
    CHECK(clean >= 1'449);
    CHECK(counted[{metric::kSegmentsRetransmitted, ""}] <= clean / 100);
    CHECK(measured.recorder.watched["tcp"] % 60'000 == 0);
    CHECK(measured.recorder.watched["tcp"] >= 60'000);

    line.relay->SetLoss(0.03);
    line.Send(2 << 20);
    const int64_t lossy = measured.SentOver(clean + 1'449) - clean;
    const int64_t retransmitted = counted[{metric::kSegmentsRetransmitted, ""}];
    CHECK(lossy >= 1'449);
    CHECK(retransmitted >= lossy / 100);  // 3 % lost, in bursts and with the luck of a seed
    CHECK(retransmitted <= lossy / 8);
    CHECK(measured.MedianMs(metric::kPassiveRtt, "") >= 4);
  });
}

TEST_CASE("a dead line is offline, not unmeasured") {
  SKIP_WITHOUT(testing::LacksForNetworks());
  Line line({});
  line.OnLaptop([&] {
    Measured measured(line);
    measured.SampleAfter(60'000);
    line.relay->SetLoss(1);
    measured.SampleAfter(60'000);
    measured.SampleAfter(10'000);
    CHECK(measured.recorder.counted[{metric::kOnlineSeconds, ""}] == 60);
    CHECK(measured.recorder.counted[{metric::kOfflineSeconds, ""}] == 10);
    CHECK(measured.recorder.counted[{metric::kProbeFailures, "mail"}] == 1);
  });
}

}  // namespace
}  // namespace candor
