// candor-uplink as a child with its socket, as the daemon starts it where there is no service
// manager. Non-blocking; one thread. The child is killed with the object.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/local/framing.h"
#include "candor/v1/local.pb.h"

namespace candor::testing {

class UplinkChild {
 public:
  static absl::StatusOr<UplinkChild> Start(const std::string& program, const std::string& state);
  UplinkChild(UplinkChild&& other) noexcept;
  UplinkChild& operator=(UplinkChild&& other) = delete;
  ~UplinkChild();

  pid_t pid() const { return pid_; }
  // Bytes not yet taken by the child; the caller adds more only while there are few.
  size_t unsent() const { return out_.size(); }
  void Queue(const v1::ToUplink& message);
  // Writes and reads what goes without waiting, at most `wait_ms` for the first byte.
  // False when the child closed its end.
  bool Exchange(int wait_ms);
  std::optional<v1::FromUplink> Take();

 private:
  UplinkChild(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  pid_t pid_;
  int fd_;
  std::string out_;
  FrameReader in_;
};

}  // namespace candor::testing
