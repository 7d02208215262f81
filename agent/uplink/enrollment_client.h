// The laptop's side of the enrolment listener: pinning the fleet's authority, enrolling, renewing.
// One thread. Errors: Unavailable, DeadlineExceeded (try again), Unauthenticated (not the
// collector that was meant), PermissionDenied (refused), with one clear line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/uplink/device_identity.h"
#include "common/clock.h"
#include "common/random.h"

namespace candor {

// The authority in the chain that the listener shows, if it has this fingerprint; the listener's
// own certificate is checked against it by issuer, dates and host name.
absl::StatusOr<std::string> FetchPinnedAuthority(const std::string& enrollment,
                                                 const std::string& ca_fingerprint, int64_t now_ms,
                                                 int64_t timeout_ms);

struct EnrollInput {
  std::string enrollment;  // HOST:PORT
  std::string ca_pem;      // pinned
  std::string token;
  std::string host;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string request_id;
  std::string key_pem;
  int64_t timeout_ms = 30'000;
};

// One enrolment; where the collector is busy, again after a pause, until the time-out. What comes
// back is checked: the certificate is this key's, this fleet's and the named device's.
absl::StatusOr<DeviceIdentity> RequestEnrollment(const EnrollInput& input, const Clock& clock,
                                                 Random& random);

// The same identity with a new key and certificate.
absl::StatusOr<DeviceIdentity> RequestRenewal(const DeviceIdentity& identity, const Clock& clock,
                                              int64_t timeout_ms);

}  // namespace candor
