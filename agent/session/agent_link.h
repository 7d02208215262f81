// The connection of a session's helper to the daemon: hands reports in, notices when the daemon
// goes, comes back when it does. A report that cannot be handed in at once is dropped: the daemon
// stands still or is gone, and what a session saw is not worth keeping it in memory for. One
// thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace candor::v1 {
class SessionReport;
}

namespace candor {

// Waits between attempts, in growing steps; while nobody listens nothing is sampled.
struct LinkRetry {
  int64_t ms_min = 2'000;
  int64_t ms_max = 120'000;
};

class AgentLink {
 public:
  // `on_change` is told when the daemon is there (true) and when it is gone (false).
  static std::unique_ptr<AgentLink> Start(boost::asio::io_context& io, std::string socket_path,
                                          std::function<void(bool)> on_change,
                                          LinkRetry retry = {});
  virtual ~AgentLink() = default;

  virtual bool connected() const = 0;
  virtual void Send(const v1::SessionReport& report) = 0;
};

}  // namespace candor
