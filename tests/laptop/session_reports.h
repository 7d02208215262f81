// The daemon's end of candor-session's socket: what helpers reported is read as the daemon reads it
// and added up until it is forgotten.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/samplers/responsiveness/session_socket.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

class SessionReports {
 public:
  // Helpers of `user` are heard. Throws std::runtime_error where it cannot listen.
  explicit SessionReports(uid_t user);

  std::string socket() const { return folder_.File("session.sock"); }
  void Listen();
  // The daemon is not there for so long.
  void Restart(int64_t pause_ms);
  void Forget();

  // By executable.
  std::map<std::string, std::vector<uint64_t>> replies_us;
  std::vector<std::pair<std::string, uint64_t>> hangs_ms;
  std::vector<std::pair<std::string, uint64_t>> launches_us;
  uint64_t watched_ms = 0;
  uint64_t hang_ms = 0;
  // By metric or event kind, as of the last report; not forgotten.
  std::map<uint32_t, std::string> unmeasured;

 private:
  void Open();

  TempFolder folder_;
  std::unique_ptr<SessionSocket> socket_;
};

}  // namespace candor::testing
