// Letting laptops in: tokens checked, requests signed, devices written down. Knows nothing of gRPC.
//
// Enrolment is idempotent by the request's id, a random key that a laptop keeps until it has its
// certificate: whatever crashes in between, one laptop becomes one device and one use of its token.
// Once a device has used its certificate its request is spent.
//
// Calls return at once; `done` runs on the committer's thread after the commit, or on the caller's
// thread where nothing had to be written, exactly once, and must not block. What it is given on
// failure is what the laptop may hear:
//   PermissionDenied   "enrolment refused", "renewal refused", whatever the reason: the reason is
//                      in the collector's log. To whom has proved to hold a device's key: "revoked:
//                      …"
//   FailedPrecondition renewal asked for long before it is due
//   Unavailable        the store could not commit: try again
// Thread-safe if its Random is.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "candor/v1/enrollment.pb.h"
#include "collector/identity/device_directory.h"
#include "collector/store/writer.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/time_units.h"
#include "common/tls/authority.h"

namespace candor {

// A laptop that was away may renew until so long after its certificate expired.
constexpr int64_t kRenewalGraceMs = int64_t{90} * kMsPerDay;

struct EnrollerParts {
  const CertificateAuthority& authority;
  const std::string& fleet_key;
  Writer& writer;
  DeviceDirectory& directory;
  const Clock& clock;
  Random& random;
};

class Enroller {
 public:
  using Done = std::function<void(absl::StatusOr<v1::EnrollReply> reply)>;

  // What the parts refer to must outlive the enroller and every pending call.
  explicit Enroller(const EnrollerParts& parts) : parts_(parts) {}

  // `peer` is the address for the log. `fleet_port` in the reply is the caller's to set.
  void Enroll(const v1::EnrollRequest& request, const std::string& peer, Done done);
  void Renew(const v1::RenewRequest& request, const std::string& peer, Done done);

 private:
  EnrollerParts parts_;
};

}  // namespace candor
