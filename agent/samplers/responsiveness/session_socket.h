// Where the helpers in people's desktop sessions (candor-session) hand in what they saw. Read with
// the daemon's tick and never waited for, so that a helper costs the daemon no wakeup: what came
// since lies in the socket's buffer.
//
// A helper is heard when it runs as a person who is signed in (logind knows them), told by the
// kernel's own word for the other end. What it reports about programs is checked by the daemon;
// numbers it makes up are numbers of its own laptop. Bounded: kPeersMax helpers, kPeersPerUserMax
// of one person, kBytesPerReadMax bytes a reading and helper. One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "candor/v1/local.pb.h"

namespace candor {

class SessionSocket {
 public:
  static constexpr size_t kPeersMax = 16;
  static constexpr size_t kPeersPerUserMax = 4;
  static constexpr size_t kBytesPerReadMax = 256 << 10;

  // A report and the helper it came from, told apart for as long as it is connected.
  struct Received {
    size_t peer = 0;
    v1::SessionReport report;
  };

  // Listens at `path`, open to everybody on the laptop; one left there by an earlier run is
  // replaced. `run` is where logind keeps who is signed in ("/run").
  static absl::StatusOr<std::unique_ptr<SessionSocket>> Listen(const std::string& path,
                                                               const std::string& run);
  virtual ~SessionSocket() = default;

  // Takes in new helpers and everything that came, in order. Never waits.
  virtual std::vector<Received> Read() = 0;
  // Helpers that are connected, as of the last Read.
  virtual std::vector<size_t> peers() const = 0;
};

}  // namespace candor
