// What every sampler is, and what it may do.
//
// A sampler measures one family. It owns its sources, is woken on the daemon's one coalesced tick,
// and emits into a Recorder. It never sees windows, spool or network, and never throws. A source
// that is absent is told once through Recorder::Unmeasured, with a reason a person understands.
//
// Everything runs on the daemon's one thread; a coroutine that waits (for a socket, a D-Bus answer)
// lets the others run. The tick does not start a sampler again while it is still busy.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/samplers/recorder.h"
#include "common/clock.h"
#include "common/columns.h"

namespace candor {

// A service that is probed by name.
struct ProbedService {
  std::string name;
  std::string host;
  uint16_t port = 443;
  bool tls = true;
  std::string http_path;
  bool icmp = false;
  // Text that the answer over plain HTTP contains; an answer without it is a portal's. Empty: not
  // looked at.
  std::string http_expect = {};

  bool operator==(const ProbedService&) const = default;
};

// Default gateways (common/gateway_rule.h) by which the kind of network is told.
struct KnownGateways {
  std::vector<std::string> office;  // of the laptop's file and of the collector
  std::vector<std::string> home;    // of the laptop's own file alone

  bool operator==(const KnownGateways&) const = default;
};

// Where Linux sources are found; tests point it at recorded trees.
struct LinuxRoots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string etc = "/etc";
  std::string run = "/run";
  std::string var = "/var";
  std::string usr = "/usr";
  std::string snap = "/snap";
};

// Given to a sampler when it is made; outlives it.
struct SamplerContext {
  boost::asio::io_context& io;
  const Clock& clock;
  Recorder& recorder;
  LinuxRoots roots;
  // Position of a source saved by an earlier run; empty when there is none.
  std::function<std::string(std::string_view name)> saved_cursor;
  // Where helpers in desktop sessions hand in what they saw; empty: none are listened to.
  std::string session_socket = {};
  // A folder of the agent's own for what is too large for a cursor; empty: nothing is kept.
  std::string state = {};
};

struct Tick {
  int64_t wall_ms = 0;
  int64_t boottime_ms = 0;
  // True for the first tick of a one-minute window, when slow-changing values are read.
  bool minute_start = false;
  // A person is using the device (the tick is 10 s, else 60 s).
  bool in_use = false;
};

class Sampler {
 public:
  virtual ~Sampler() = default;

  // The folder's name: boot, crash, network, responsiveness, health, software, usage.
  virtual std::string_view family() const = 0;
  virtual boost::asio::awaitable<void> Sample(Tick tick) = 0;
  // The collector's configuration changed; only network uses it.
  virtual void SetServices(const std::vector<ProbedService>& services) {
    static_cast<void>(services);
  }
  virtual void SetGateways(const KnownGateways& gateways) { static_cast<void>(gateways); }
};

}  // namespace candor
