// The uplink's end of the socket to the daemon (proto/candor/v1/local.proto).
//
// Blocking, with a deadline for every wait. Send may be called from any thread; Next and the
// deadline belong to one. Errors: Cancelled when the daemon closed its end, DeadlineExceeded,
// InvalidArgument for a frame that is none.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/local/framing.h"
#include "candor/v1/local.pb.h"
#include "common/clock.h"

namespace candor {

class DaemonLink {
 public:
  // Takes over the connected socket `fd`. `clock` must outlive the link.
  static absl::StatusOr<std::unique_ptr<DaemonLink>> Open(int fd, const Clock& clock);
  ~DaemonLink();
  DaemonLink(const DaemonLink&) = delete;
  DaemonLink& operator=(const DaemonLink&) = delete;

  // The next message; Aborted as soon as Wake was called.
  absl::StatusOr<v1::ToUplink> Next();
  // Until this moment of the monotonic clock Next and Send wait at most.
  void SetDeadline(int64_t monotonic_ms) { deadline_ms_ = monotonic_ms; }
  // Ends a waiting Next, now and from now on. Any thread.
  void Wake();

  absl::Status Send(const v1::FromUplink& message);

 private:
  DaemonLink(int fd, int wake_fd, const Clock& clock) : fd_(fd), wake_fd_(wake_fd), clock_(clock) {}
  // OK when `fd_` is ready for `events`.
  absl::Status Await(short events, bool wakeable) const;

  const int fd_;
  const int wake_fd_;
  const Clock& clock_;
  int64_t deadline_ms_ = INT64_MAX;
  FrameReader reader_;
  std::mutex send_mutex_;
};

}  // namespace candor
