// Pushes: asks the PushPolicy when, seals, starts an uplink, runs a PushSession, and turns its
// result into what the policy, the windows and the log should know. One push at a time. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/daemon/push_policy.h"
#include "agent/daemon/remote_configuration.h"
#include "agent/daemon/uplink_process.h"
#include "agent/spool/spool.h"
#include "agent/windows/window_set.h"
#include "common/clock.h"
#include "common/random.h"

namespace boost::asio {
class io_context;
}

namespace candor::v1 {
class Configuration;
}

namespace candor {

struct PusherContext {
  boost::asio::io_context& io;
  const Clock& clock;
  Random& random;
  Spool& spool;
  WindowSet& windows;
  UplinkPlace uplink;
  // The configuration in force, asked at each push.
  std::function<const EffectiveConfiguration&()> configuration;
  std::function<void(const v1::Configuration&)> on_configuration;
};

struct PushStatus {
  int64_t last_wall_ms = 0;  // 0: none yet
  std::string last_outcome;
  int64_t next_wall_ms = 0;
  int64_t certificate_not_after_ms = 0;
  // As the last push that found an identity had it; empty before.
  std::string device_id;
  std::string collector;
};

class Pusher {
 public:
  explicit Pusher(PusherContext context);
  ~Pusher();

  // Called on each tick, after a configuration changed and after urgent events: pushes if due, or
  // sets a timer when the push is due before the next tick.
  void Consider(bool in_use, bool on_battery, int64_t next_tick_ms);
  void OnUrgent();
  // A person at the laptop asks for a push.
  void OnAsked();
  // Ends a running push and starts none any more.
  void Stop();

  PushStatus status() const;
  bool running() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace candor
