// `candor-uplink enroll`: from a token to an identity on disk.
//
// The request (a random id and the key) is on disk before it is sent, and goes only when the
// identity is there. kill -9 anywhere in between, and a second run ends with one device.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/uplink/device_identity.h"
#include "common/clock.h"
#include "common/random.h"

namespace candor {

struct EnrollOptions {
  std::string enrollment;           // HOST:PORT of the enrolment listener
  std::string token;                // cnd_…
  std::string ca_fingerprint;       // SHA-256, hexadecimal
  std::vector<std::string> labels;  // key=value
  std::string host;                 // empty: this machine's name
  std::string state;
  bool again = false;  // enrol although there is an identity already
  int64_t timeout_ms = 60'000;
};

// InvalidArgument, naming the option, for what is wrong in the options themselves, the token left
// out.
absl::Status CheckEnrollOptions(const EnrollOptions& options);

// The new identity. AlreadyExists when there is one and `again` was not asked for.
absl::StatusOr<DeviceIdentity> Enroll(const EnrollOptions& options, const Clock& clock,
                                      Random& random);

}  // namespace candor
