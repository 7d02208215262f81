// A line between two network namespaces with a known delay and loss: a TUN device in each, and a
// thread that carries packets from one to the other, late by a fixed time, some of them not at all
// (seeded). For tests of what a network feels like where the kernel has no netem. Needs root.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/random.h"

namespace candor::testing {

// A file descriptor with an owner.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept;
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();
  int get() const { return fd_; }

 private:
  int fd_;
};

// A network namespace: a new one with loopback up, or that of a running process. It lives as long
// as the object (and whatever else holds it).
class NetworkNamespace {
 public:
  static absl::StatusOr<NetworkNamespace> New();
  static absl::StatusOr<NetworkNamespace> OfProcess(int pid);

  // Runs `work` inside, on a thread of its own, and waits for it.
  absl::Status Run(const std::function<absl::Status()>& work) const;

 private:
  explicit NetworkNamespace(OwnedFd fd) : fd_(std::move(fd)) {}
  OwnedFd fd_;
};

class PacketRelay {
 public:
  struct Options {
    std::string address_a = "10.111.0.1";  // of the device in the first namespace, /24
    std::string address_b = "10.111.0.2";
    std::string address6_a;  // IPv6, /64; empty: none
    std::string address6_b;
    int64_t delay_one_way_us = 0;
    double loss = 0;  // share of packets lost, in each direction
    uint64_t seed = 1;
    // Makes the other end the default gateway of the first namespace.
    bool default_route_a = false;
  };

  // Waiting packets beyond this are lost.
  static constexpr size_t kQueueMax = 4096;

  static absl::StatusOr<std::unique_ptr<PacketRelay>> Start(const NetworkNamespace& a,
                                                            const NetworkNamespace& b,
                                                            const Options& options);
  ~PacketRelay();

  void SetDelayOneWayUs(int64_t delay_us) { delay_us_ = delay_us; }
  void SetLoss(double loss) { loss_ = loss; }
  // Packets of IPv6 alone are lost, all of them.
  void SetIpv6Dead(bool dead) { ipv6_dead_ = dead; }
  // Packets with data (more than an acknowledgement) from the first namespace, and those of them
  // that were lost: what a sender can know of the line.
  uint64_t data_from_a() const { return data_from_a_; }
  uint64_t data_lost_from_a() const { return data_lost_from_a_; }
  uint64_t carried() const { return carried_; }
  uint64_t lost() const { return lost_; }

 private:
  struct Packet {
    int64_t due_ns = 0;
    std::vector<char> bytes;
  };
  PacketRelay(OwnedFd a, OwnedFd b, OwnedFd stop_read, OwnedFd stop_write, const Options& options);
  void Carry();
  void Receive(int from, std::deque<Packet>& queue);
  void SendDue(int to, std::deque<Packet>& queue);

  OwnedFd a_;
  OwnedFd b_;
  OwnedFd stop_read_;
  OwnedFd stop_write_;
  SeededRandom random_;
  std::atomic<int64_t> delay_us_;
  std::atomic<double> loss_;
  std::atomic<bool> ipv6_dead_ = false;
  std::atomic<uint64_t> data_from_a_ = 0;
  std::atomic<uint64_t> data_lost_from_a_ = 0;
  std::atomic<uint64_t> carried_ = 0;
  std::atomic<uint64_t> lost_ = 0;
  std::deque<Packet> to_a_;
  std::deque<Packet> to_b_;
  std::thread thread_;
};

}  // namespace candor::testing
