#include "tests/support/packet_relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/status.h"

namespace candor::testing {
namespace {

constexpr size_t kPacketBytesMax = 2048;  // the devices' MTU is 1500
constexpr size_t kEmptyBytesMax = 120;    // headers of IPv6 and TCP with every option

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

ifreq RequestFor(const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  return request;
}

absl::Status SetFlagsUp(int control, const char* name) {
  ifreq request = RequestFor(name);
  if (ioctl(control, SIOCGIFFLAGS, &request) != 0) return ErrnoStatus(errno, name);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  if (ioctl(control, SIOCSIFFLAGS, &request) != 0) return ErrnoStatus(errno, name);
  return absl::OkStatus();
}

absl::Status SetAddress(int control, const char* name, unsigned long what, const char* address) {
  ifreq request = RequestFor(name);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
    return absl::InvalidArgumentError(std::string(address) + " is no IPv4 address");
  }
  std::memcpy(&request.ifr_addr, &in, sizeof in);
  if (ioctl(control, what, &request) != 0) return ErrnoStatus(errno, name);
  return absl::OkStatus();
}

absl::Status AddDefaultRoute(int control, const std::string& gateway) {
  rtentry route{};
  sockaddr_in any{};
  any.sin_family = AF_INET;
  sockaddr_in via = any;
  inet_pton(AF_INET, gateway.c_str(), &via.sin_addr);
  std::memcpy(&route.rt_dst, &any, sizeof any);
  std::memcpy(&route.rt_genmask, &any, sizeof any);
  std::memcpy(&route.rt_gateway, &via, sizeof via);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  if (ioctl(control, SIOCADDRT, &route) != 0) return ErrnoStatus(errno, "default route");
  return absl::OkStatus();
}

// <linux/ipv6.h>, which excludes the C library's headers.
struct Request6 {
  in6_addr address;
  uint32_t prefix_bits;
  int device;
};
struct Route6 {
  in6_addr to;
  in6_addr from;
  in6_addr gateway;
  uint32_t type;
  uint16_t to_bits;
  uint16_t from_bits;
  uint32_t metric;
  unsigned long info;
  uint32_t flags;
  int device;
};

// A worker of the kernel's own makes an IPv6 address usable, a moment after it was added.
absl::Status AwaitIpv6(const in6_addr& address) {
  const OwnedFd probe(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 own{};
  own.sin6_family = AF_INET6;
  own.sin6_addr = address;
  const int64_t deadline_ns = NowNs() + 5'000'000'000;
  while (bind(probe.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) {
    if (errno != EADDRNOTAVAIL || NowNs() > deadline_ns) return ErrnoStatus(errno, "IPv6 address");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return absl::OkStatus();
}

absl::Status AddIpv6(const char* name, const std::string& address, const std::string& gateway) {
  const OwnedFd control(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  Request6 request{};
  request.prefix_bits = 64;
  request.device = static_cast<int>(if_nametoindex(name));
  if (inet_pton(AF_INET6, address.c_str(), &request.address) != 1) {
    return absl::InvalidArgumentError(address + " is no IPv6 address");
  }
  if (ioctl(control.get(), SIOCSIFADDR, &request) != 0) return ErrnoStatus(errno, name);
  CANDOR_RETURN_IF_ERROR(AwaitIpv6(request.address));
  if (gateway.empty()) return absl::OkStatus();
  Route6 route{};
  inet_pton(AF_INET6, gateway.c_str(), &route.gateway);
  route.metric = 1;
  route.flags = RTF_UP | RTF_GATEWAY;
  route.device = request.device;
  if (ioctl(control.get(), SIOCADDRT, &route) != 0) return ErrnoStatus(errno, "IPv6 route");
  return absl::OkStatus();
}

// One end of the line.
struct End {
  std::string address;
  std::string address6;
  std::string gateway;
  std::string gateway6;
};

// Makes a TUN device in the caller's namespace.
absl::StatusOr<OwnedFd> MakeTun(const End& end) {
  OwnedFd tun(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (tun.get() < 0) return ErrnoStatus(errno, "/dev/net/tun");
  ifreq request = RequestFor("candor%d");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) return ErrnoStatus(errno, "TUN device");
  const std::string name = request.ifr_name;
  const OwnedFd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  CANDOR_RETURN_IF_ERROR(SetAddress(control.get(), name.c_str(), SIOCSIFADDR, end.address.c_str()));
  CANDOR_RETURN_IF_ERROR(SetAddress(control.get(), name.c_str(), SIOCSIFNETMASK, "255.255.255.0"));
  CANDOR_RETURN_IF_ERROR(SetFlagsUp(control.get(), name.c_str()));
  if (!end.gateway.empty()) {
    CANDOR_RETURN_IF_ERROR(AddDefaultRoute(control.get(), end.gateway));
  }
  if (!end.address6.empty()) {
    CANDOR_RETURN_IF_ERROR(AddIpv6(name.c_str(), end.address6, end.gateway6));
  }
  return tun;
}

}  // namespace

OwnedFd::OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<NetworkNamespace> NetworkNamespace::New() {
  absl::Status status;
  OwnedFd fd;
  // A thread is enough to make one; the descriptor keeps it.
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      status = ErrnoStatus(errno, "new network namespace");
      return;
    }
    fd = OwnedFd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) {
      status = ErrnoStatus(errno, "/proc/thread-self/ns/net");
      return;
    }
    const OwnedFd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    status = SetFlagsUp(control.get(), "lo");
  }).join();
  CANDOR_RETURN_IF_ERROR(status);
  return NetworkNamespace(std::move(fd));
}

absl::StatusOr<NetworkNamespace> NetworkNamespace::OfProcess(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, path);
  return NetworkNamespace(std::move(fd));
}

absl::Status NetworkNamespace::Run(const std::function<absl::Status()>& work) const {
  absl::Status status;
  std::thread([&] {
    status = setns(fd_.get(), CLONE_NEWNET) == 0 ? work() : ErrnoStatus(errno, "setns");
  }).join();
  return status;
}

absl::StatusOr<std::unique_ptr<PacketRelay>> PacketRelay::Start(const NetworkNamespace& a,
                                                                const NetworkNamespace& b,
                                                                const Options& options) {
  OwnedFd tun_a;
  OwnedFd tun_b;
  const auto make = [](OwnedFd& tun, const End& end) {
    return [&tun, end]() -> absl::Status {
      CANDOR_ASSIGN_OR_RETURN(tun, MakeTun(end));
      return absl::OkStatus();
    };
  };
  End end_a{options.address_a, options.address6_a, {}, {}};
  if (options.default_route_a) end_a.gateway = options.address_b;
  if (options.default_route_a) end_a.gateway6 = options.address6_b;
  CANDOR_RETURN_IF_ERROR(a.Run(make(tun_a, end_a)));
  CANDOR_RETURN_IF_ERROR(b.Run(make(tun_b, {options.address_b, options.address6_b, {}, {}})));
  int stop[2];
  if (pipe2(stop, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  return std::unique_ptr<PacketRelay>(new PacketRelay(std::move(tun_a), std::move(tun_b),
                                                      OwnedFd(stop[0]), OwnedFd(stop[1]), options));
}

PacketRelay::PacketRelay(OwnedFd a, OwnedFd b, OwnedFd stop_read, OwnedFd stop_write,
                         const Options& options)
    : a_(std::move(a)),
      b_(std::move(b)),
      stop_read_(std::move(stop_read)),
      stop_write_(std::move(stop_write)),
      random_(options.seed),
      delay_us_(options.delay_one_way_us),
      loss_(options.loss),
      thread_([this] { Carry(); }) {}

PacketRelay::~PacketRelay() {
  stop_write_ = OwnedFd();
  thread_.join();
}

void PacketRelay::Carry() {
  // Packets wait for the line, not for a CPU. Without the right to this, the line is a little late.
  sched_param urgent{};
  urgent.sched_priority = 1;
  pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent);
  while (true) {
    int64_t next_ns = -1;
    for (const auto* queue : {&to_a_, &to_b_}) {
      if (queue->empty()) continue;
      const int64_t due_ns = queue->front().due_ns;
      next_ns = next_ns < 0 ? due_ns : std::min(next_ns, due_ns);
    }
    const int64_t wait_ns = next_ns < 0 ? 0 : std::max<int64_t>(next_ns - NowNs(), 0);
    const timespec wait{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
    pollfd ready[3] = {{a_.get(), POLLIN, 0}, {b_.get(), POLLIN, 0}, {stop_read_.get(), POLLIN, 0}};
    if (ppoll(ready, 3, next_ns < 0 ? nullptr : &wait, nullptr) < 0 && errno != EINTR) return;
    if (ready[2].revents != 0) return;
    Receive(a_.get(), to_b_);
    Receive(b_.get(), to_a_);
    SendDue(a_.get(), to_a_);
    SendDue(b_.get(), to_b_);
  }
}

void PacketRelay::Receive(int from, std::deque<Packet>& queue) {
  char buffer[kPacketBytesMax];
  while (true) {
    const ssize_t got = read(from, buffer, sizeof buffer);
    if (got <= 0) return;
    const bool ipv6 = (static_cast<uint8_t>(buffer[0]) >> 4) == 6;
    const bool data = from == a_.get() && got > static_cast<ssize_t>(kEmptyBytesMax);
    if (data) ++data_from_a_;
    if (random_.Unit() < loss_ || (ipv6 && ipv6_dead_) || queue.size() >= kQueueMax) {
      ++lost_;
      if (data) ++data_lost_from_a_;
      continue;
    }
    queue.push_back({NowNs() + delay_us_ * 1'000, std::vector<char>(buffer, buffer + got)});
  }
}

void PacketRelay::SendDue(int to, std::deque<Packet>& queue) {
  while (!queue.empty() && queue.front().due_ns <= NowNs()) {
    const std::vector<char>& bytes = queue.front().bytes;
    if (write(to, bytes.data(), bytes.size()) < 0) {
      ++lost_;
    } else {
      ++carried_;
    }
    queue.pop_front();
  }
}

}  // namespace candor::testing
