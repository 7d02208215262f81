// The daemon's control socket: one request, a stream of replies, then the daemon closes
// (proto/candor/v1/local.proto). Anybody on the laptop may ask: what the agent does and what it
// sent is theirs to read. A few connections at a time, a few seconds each. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace boost::asio {
class io_context;
}

namespace candor::v1 {
class ControlReply;
class ControlRequest;
}  // namespace candor::v1

namespace candor {

struct ControlLimits {
  static constexpr size_t kConnectionsMax = 8;
  static constexpr size_t kRequestBytesMax = 4 << 10;
  static constexpr int64_t kTimeMaxMs = 30'000;
  static constexpr int64_t kAcceptPauseMs = 1'000;
};

// The replies to one request, asked for one after the other so that a long ledger never lies in
// memory as a whole; nothing when there are no more.
using ControlReplies = std::function<std::optional<v1::ControlReply>()>;
using ControlHandler = std::function<ControlReplies(const v1::ControlRequest&)>;

class ControlServer {
 public:
  // A socket left by an earlier run is replaced; the caller holds the state folder's lock.
  static absl::StatusOr<std::unique_ptr<ControlServer>> Listen(boost::asio::io_context& io,
                                                               const std::string& path,
                                                               ControlHandler handler);
  virtual ~ControlServer() = default;
};

}  // namespace candor
