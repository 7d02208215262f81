// `candor-uplink push`: one push, from the daemon's PushStart to PushDone, which is always the last
// thing the daemon hears and says precisely how it went.
//
//   1. the own identity: there, or had by enrolling as IT's file says; readable by this user only,
//      dates in order; renewed when two thirds of the certificate's life are over, or when it has
//      expired
//   2. one connection, one stream (push_stream.h); a connection that cannot be made is diagnosed
//   3. the services the daemon asked about are measured, whether or not the collector was there
//   4. what all of it cost
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/random.h"

namespace candor {

struct PushOptions {
  int fd = 3;         // the connected socket to the daemon
  std::string state;  // folder with the identity
  // How to enrol where there is no identity (enroll_file.h); empty: not at all.
  std::string enroll_file = {};
  // Told how long the push may take from now, once that is known; may be empty. A program arms its
  // last resort here: name resolution, for one, cannot be interrupted.
  std::function<void(int64_t left_ms)> on_deadline = {};
};

// OK when PushDone was delivered, whatever it said.
absl::Status Push(const PushOptions& options, const Clock& clock, Random& random);

// The push must end by itself: asked for less, it takes the least; for more, the most.
constexpr int64_t kPushMsMin = 1'000;
constexpr int64_t kPushMsMax = 600'000;
constexpr int64_t kPushMsDefault = 60'000;

}  // namespace candor
