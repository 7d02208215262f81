// What every sampler is, and what it may do.
//
// A sampler measures one family. It owns its sources, is woken on the daemon's one coalesced tick,
// and emits into a Recorder. It never sees windows, spool or network, and never throws. A source
// that is absent is told once through Recorder::Unmeasured, with a reason a person understands.
//
// Everything runs on the daemon's one thread; a coroutine that waits (for a socket, a D-Bus answer)
// lets the others run. The tick does not start a sampler again while it is still busy.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
#include <vector>

#include "common/clock.h"
#include "common/columns.h"

namespace candor::v1 {
class Event;
}

namespace candor {

// Where samplers put what they measured. Values are in the metric's resolution
// (common/registry.h), so 1.5 ms of a metric with 1000 steps a ms is 1500.
class Recorder {
 public:
  virtual ~Recorder() = default;

  // One observation of a distribution.
  virtual void Record(uint32_t metric, std::string_view subject, int64_t value) = 0;
  // An increment of a counter.
  virtual void Count(uint32_t metric, std::string_view subject, int64_t increment) = 0;
  // The present value of a gauge.
  virtual void Gauge(uint32_t metric, std::string_view subject, int64_t value) = 0;
  // A source of counts (candor::watch) was watched for `ms` until now.
  virtual void Watched(std::string_view source, int64_t ms) = 0;

  // Something that happened. `event.what` must be set. Time fields left 0 are filled with now;
  // `boot_id` (16 raw bytes) names the boot it belongs to, empty for the present one. `urgent`
  // asks for a push at once (a crash).
  virtual void Event(v1::Event event, std::string_view boot_id = {}, bool urgent = false) = 0;
  // Position in a source, saved in the same transaction as the events emitted before it.
  virtual void SetCursor(std::string_view name, std::string_view value) = 0;

  // How the present minute counts: the last call in a minute with the highest precedence wins
  // (input over login over uptime).
  virtual void Activity(ActivityState state) = 0;

  // From now on this metric or event kind cannot be measured (or, Measured, can be again).
  // Repeated calls with the same reason cost nothing.
  virtual void Unmeasured(uint32_t metric_or_event, std::string_view subject,
                          std::string_view reason) = 0;
  virtual void Measured(uint32_t metric_or_event, std::string_view subject) = 0;
};

// A service that is probed by name.
struct ProbedService {
  std::string name;
  std::string host;
  uint16_t port = 443;
  bool tls = true;
  std::string http_path;
  bool icmp = false;

  bool operator==(const ProbedService&) const = default;
};

// Where Linux sources are found; tests point it at recorded trees.
struct LinuxRoots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string etc = "/etc";
  std::string run = "/run";
  std::string var = "/var";
  std::string usr = "/usr";
};

// Given to a sampler when it is made; outlives it.
struct SamplerContext {
  boost::asio::io_context& io;
  const Clock& clock;
  Recorder& recorder;
  LinuxRoots roots;
  // Position of a source saved by an earlier run; empty when there is none.
  std::function<std::string(std::string_view name)> saved_cursor;
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

  // The folder's name: boot, crash, network, responsiveness, health, usage.
  virtual std::string_view family() const = 0;
  virtual boost::asio::awaitable<void> Sample(Tick tick) = 0;
  // The collector's configuration changed; only network uses it.
  virtual void SetServices(const std::vector<ProbedService>& services) {
    static_cast<void>(services);
  }
};

}  // namespace candor
