// A candor-uplink for one push, and the connected socket to it.
//
// Where a service manager listens at /run/candor/uplink.sock, connecting there starts it (its own
// unit, its own user). Else the daemon starts the program itself with one end of a socket pair as
// descriptor 3. Owns the descriptor until it is taken, and the child until it has ended; a child
// that is still there goes with the object. One thread.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"

namespace candor {

struct UplinkPlace {
  std::string socket;   // empty: never
  std::string program;  // used where nothing listens at `socket`
  std::string state;    // folder with the identity, handed to the program
};

// `own` is this program's path: ../libexec/candor/candor-uplink beside an installed one,
// uplink/candor-uplink in a build folder. NotFound when there is none.
absl::StatusOr<std::string> FindUplinkProgram(const std::string& own);

class UplinkProcess {
 public:
  static absl::StatusOr<UplinkProcess> Start(const UplinkPlace& place);
  UplinkProcess(UplinkProcess&& other) noexcept;
  UplinkProcess& operator=(UplinkProcess&&) = delete;
  ~UplinkProcess();

  // The connected, non-blocking socket; the caller owns it from now on.
  int TakeSocket();
  // Ends a child that this process started; one that the service manager started ends when its
  // socket closes.
  void Kill();
  // True once there is no child (any more).
  bool Reap();

 private:
  UplinkProcess(int fd, pid_t child) : fd_(fd), child_(child) {}
  int fd_;
  pid_t child_;  // -1: none of ours
};

}  // namespace candor
