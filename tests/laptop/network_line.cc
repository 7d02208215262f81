#include "tests/laptop/network_line.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "common/registry.h"
#include "common/status.h"

namespace candor::testing {
namespace {

using std::chrono_literals::operator""s;

sockaddr_in6 ServiceAt(bool v6, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  const std::string text = v6 ? kServiceAddress6 : std::string("::ffff:") + kServiceAddress;
  inet_pton(AF_INET6, text.c_str(), &address.sin6_addr);
  return address;
}

absl::StatusOr<OwnedFd> ListenOnBoth() {
  OwnedFd listener(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int no = 0;
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  if (setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0 ||
      bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) != 0 ||
      listen(listener.get(), 64) != 0) {
    return ErrnoStatus(errno, "listener");
  }
  return listener;
}

uint16_t PortOf(int fd) {
  sockaddr_in6 own{};
  socklen_t size = sizeof own;
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0);
  return own.sin6_port;
}

// sysfs shows the interfaces of the namespace that mounted it.
absl::Status MountSysfs(const std::string& folder) {
  if (unshare(CLONE_NEWNS) != 0) return ErrnoStatus(errno, "mount namespace");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("sysfs", folder.c_str(), "sysfs", MS_RDONLY, nullptr) != 0) {
    return ErrnoStatus(errno, folder);
  }
  return absl::OkStatus();
}

}  // namespace

NetworkLine::NetworkLine(PacketRelay::Options options) {
  auto laptop = NetworkNamespace::New();
  auto service = NetworkNamespace::New();
  REQUIRE_OK(laptop);
  REQUIRE_OK(service);
  laptop_ = std::make_unique<NetworkNamespace>(*std::move(laptop));
  service_ = std::make_unique<NetworkNamespace>(*std::move(service));
  options.address_a = kLaptopAddress;
  options.address_b = kServiceAddress;
  options.address6_a = kLaptopAddress6;
  options.address6_b = kServiceAddress6;
  options.default_route_a = true;
  auto started = PacketRelay::Start(*laptop_, *service_, options);
  REQUIRE_OK(started);
  relay = *std::move(started);
  REQUIRE_OK(service_->Run([&]() -> absl::Status {
    dns = std::make_unique<DnsServer>(kServiceAddress);
    dns6 = std::make_unique<DnsServer>(kServiceAddress6);
    for (DnsServer* server : {dns.get(), dns6.get()}) {
      server->Set("mail.example.org", {kServiceAddress, kServiceAddress6});
      server->Set("mail4.example.org", {kServiceAddress});
      server->Set("mail6.example.org", {kServiceAddress6});
    }
    web = std::make_unique<HttpAnswers>(kOwnPage);
    CANDOR_ASSIGN_OR_RETURN(listener_, ListenOnBoth());
    return absl::OkStatus();
  }));
  port = ntohs(PortOf(listener_.get()));
}

void NetworkLine::OnLaptop(const std::function<void()>& work) {
  REQUIRE_OK(laptop_->Run([&]() -> absl::Status {
    CANDOR_RETURN_IF_ERROR(MountSysfs(sys_.path()));
    work();
    return absl::OkStatus();
  }));
}

void NetworkLine::SetLaptopLink(bool up) {
  const OwnedFd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "candor0", IFNAMSIZ - 1);
  REQUIRE(ioctl(control.get(), SIOCGIFFLAGS, &request) == 0);
  const int flags = up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
  request.ifr_flags = static_cast<short>(flags);
  REQUIRE(ioctl(control.get(), SIOCSIFFLAGS, &request) == 0);
}

void NetworkLine::Send(size_t bytes, bool v6) {
  const OwnedFd client(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // Never more on the way than the device keeps in its queue: all loss is then the relay's own.
  const int window = 128 << 10;
  REQUIRE(setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &window, sizeof window) == 0);
  const sockaddr_in6 to = ServiceAt(v6, port);
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

// The service's end of `client`; probes, which closed again, wait in front of it.
OwnedFd NetworkLine::Accept(int client) const {
  const uint16_t own = PortOf(client);
  while (true) {
    sockaddr_in6 peer{};
    socklen_t size = sizeof peer;
    OwnedFd server(
        accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
    REQUIRE(server.get() >= 0);
    if (peer.sin6_port == own) return server;
  }
}

ProbedService NetworkLine::Mail(const std::string& host) const {
  ProbedService service;
  service.name = host;
  service.host = host + ".example.org";
  service.port = port;
  return service;
}

ProbedService NetworkLine::Checked() const {
  ProbedService service = Mail("mail");
  service.name = "check";
  service.port = web->port();
  service.tls = false;
  service.http_path = "/ok";
  service.http_expect = "candor-ok";
  return service;
}

MeasuredLine::MeasuredLine(const NetworkLine& line, const std::vector<ProbedService>& services,
                           NetworkOptions options, const std::string& sys) {
  if (options.dns_servers.empty()) options.dns_servers = line.dns->address();
  LinuxRoots roots;
  roots.proc = "/proc/thread-self";  // /proc/net is that of the process's first thread
  roots.sys = sys.empty() ? line.sys() : sys;
  sampler = MakeNetworkSampler({io, clock, recorder, roots, {}}, options);
  sampler->SetServices(services);
}

void MeasuredLine::SampleAfter(int64_t ms) {
  clock.Advance(ms);
  RunSample(io, *sampler, {.minute_start = true, .in_use = true});
}

int64_t MeasuredLine::SentOver(int64_t segments) {
  const auto start = std::chrono::steady_clock::now();
  int64_t sent = 0;
  do {
    SampleAfter(60'000);
    sent = Counted(metric::kSegmentsSent);
  } while (sent < segments && std::chrono::steady_clock::now() - start < 10s);
  return sent;
}

double MeasuredLine::MedianMs(uint32_t what, const std::string& subject) {
  std::vector<int64_t> values = recorder.recorded[{what, subject}];
  if (values.empty()) return -1;
  std::sort(values.begin(), values.end());
  return static_cast<double>(values[values.size() / 2]) / 1000;
}

double MeasuredLine::LeastMs(uint32_t what, const std::string& subject) {
  const std::vector<int64_t>& values = recorder.recorded[{what, subject}];
  if (values.empty()) return -1;
  return static_cast<double>(*std::min_element(values.begin(), values.end())) / 1000;
}

std::string MeasuredLine::Causes() const {
  std::string causes;
  for (const auto& [key, seconds] : recorder.counted) {
    if (key.first != metric::kOfflineCauseSeconds) continue;
    causes += (causes.empty() ? "" : ", ") + key.second + " " + std::to_string(seconds);
  }
  return causes;
}

}  // namespace candor::testing
