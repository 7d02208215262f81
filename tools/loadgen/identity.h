// Identities of simulated laptops: got through the real enrolment, kept in a folder when one is
// given, so that the same laptops can speak again later. Blocking calls, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/tls/credential.h"
#include "tools/loadgen/fleet.h"

namespace grpc {
class Channel;
}

namespace candor::loadgen {

struct EnrollmentTarget {
  std::string collector;       // HOST:ENROLLPORT
  std::string ca_fingerprint;  // SHA-256 of the fleet's authority
  std::string token;
  std::string folder;  // keeps identities; empty: nowhere
  int64_t retry_for_ms = 60'000;
};

class Enroller {
 public:
  Enroller(EnrollmentTarget target, Random& random, const Clock& clock);
  ~Enroller();

  // The laptop's credential, from the folder or newly enrolled. A busy or restarting collector is
  // asked again for `retry_for_ms`.
  absl::StatusOr<Credential> Identify(const DeviceProfile& profile);

  uint32_t enrolled() const { return enrolled_; }

 private:
  absl::Status FindCollector();
  absl::Status PinCollector();
  absl::StatusOr<Credential> Enroll(const DeviceProfile& profile);

  EnrollmentTarget target_;
  Random& random_;
  const Clock& clock_;
  std::string ca_pem_;
  std::shared_ptr<grpc::Channel> channel_;
  uint32_t enrolled_ = 0;
};

}  // namespace candor::loadgen
