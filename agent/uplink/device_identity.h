// Who this laptop is, on disk: STATE/identity/identity.toml (0600), everything in one file, so that
// a crash leaves the old identity or the new one and never halves of two.
//
//   collector, ca, certificate, key   as in every credential (common/tls/credential.h)
//   enrollment                        "HOST:PORT" where the certificate is renewed
//   device_id, device_key             as the collector gave them (the key in hexadecimal)
//   request_id                        of the enrolment it came from
//
// While an enrolment is under way its request is in STATE/identity/pending.toml: whatever crashes,
// the same request is sent again and the collector answers with the same device. One process at a
// time writes: whoever does holds STATE/identity/lock.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/tls/credential.h"

namespace candor {

struct DeviceIdentity {
  std::string device_id;
  Credential credential;
  std::string enrollment;
  std::string device_key;  // 32 raw bytes
  std::string request_id;  // raw bytes
};

struct PendingEnrollment {
  std::string enrollment;      // the address it was begun with
  std::string ca_fingerprint;  // and the authority
  std::string request_id;      // raw bytes
  std::string key_pem;
};

class IdentityFiles {
 public:
  explicit IdentityFiles(const std::string& state) : folder_(state + "/identity") {}

  // NotFound "not enrolled: …"; FailedPrecondition when others may read the file.
  absl::StatusOr<DeviceIdentity> Load() const;
  absl::Status Save(const DeviceIdentity& identity) const;

  // Nothing where no enrolment is under way.
  absl::StatusOr<std::optional<PendingEnrollment>> LoadPending() const;
  absl::Status SavePending(const PendingEnrollment& pending) const;
  absl::Status RemovePending() const;

  const std::string& folder() const { return folder_; }
  std::string path() const { return folder_ + "/identity.toml"; }

 private:
  std::string pending_path() const { return folder_ + "/pending.toml"; }
  std::string folder_;
};

}  // namespace candor
