#include "agent/uplink/enroll.h"

#include <unistd.h>

#include <cerrno>

#include "agent/uplink/enrollment_client.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/status.h"
#include "common/tls/connection.h"
#include "common/tls/key.h"
#include "common/tls/labels.h"

namespace candor {
namespace {

constexpr size_t kRequestIdBytes = 32;
constexpr int64_t kEnrollConnectTimeoutMs = 15'000;

absl::StatusOr<std::string> HostName(const EnrollOptions& options) {
  if (!options.host.empty()) return options.host;
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return ErrnoStatus(errno, "cannot read host name");
  CANDOR_RETURN_IF_ERROR(Prefix(CheckDeviceHost(name), "this machine's name"));
  return std::string(name);
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Labels(
    const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const std::string& text : texts) {
    CANDOR_ASSIGN_OR_RETURN(auto label, ParseLabel(text));
    labels.push_back(std::move(label));
  }
  CANDOR_RETURN_IF_ERROR(CheckLabels(labels));
  return labels;
}

// The request to send: the one that was under way, or a new one, on disk before it is used.
absl::StatusOr<PendingEnrollment> TakeRequest(const IdentityFiles& files,
                                              const EnrollOptions& options,
                                              const std::string& spent_request, Random& random) {
  CANDOR_ASSIGN_OR_RETURN(const std::optional<PendingEnrollment> old, files.LoadPending());
  // Fingerprints may be written in several ways, and were checked before.
  const std::string fingerprint = ToHex(*FromHex(options.ca_fingerprint));
  if (old && old->ca_fingerprint == fingerprint && old->enrollment == options.enrollment &&
      old->request_id != spent_request) {
    return *old;
  }
  CANDOR_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate());
  const PendingEnrollment pending = {options.enrollment, fingerprint, random.Bytes(kRequestIdBytes),
                                     key.Pem()};
  CANDOR_RETURN_IF_ERROR(files.SavePending(pending));
  return pending;
}

// The request of the identity there is; AlreadyExists unless another one is wanted.
absl::StatusOr<std::string> SpentRequest(const IdentityFiles& files, bool again) {
  const absl::StatusOr<DeviceIdentity> identity = files.Load();
  if (absl::IsNotFound(identity.status())) return std::string();
  if (again) return identity.ok() ? identity->request_id : std::string();
  if (!identity.ok()) return identity.status();
  return absl::AlreadyExistsError("already enrolled as device " + identity->device_id + " at " +
                                  identity->credential.collector +
                                  "; --again enrols this laptop as a new device");
}

absl::Status CheckFingerprintText(const std::string& fingerprint) {
  const absl::StatusOr<std::string> bytes = FromHex(fingerprint);
  if (bytes.ok() && bytes->size() == kSha256Bytes) return absl::OkStatus();
  return absl::InvalidArgumentError("--ca-fingerprint is not a SHA-256 of 64 hexadecimal digits");
}

}  // namespace

absl::Status CheckEnrollOptions(const EnrollOptions& options) {
  CANDOR_RETURN_IF_ERROR(Prefix(ParseHostPort(options.enrollment).status(), "--collector"));
  CANDOR_RETURN_IF_ERROR(CheckFingerprintText(options.ca_fingerprint));
  if (!options.host.empty()) {
    CANDOR_RETURN_IF_ERROR(Prefix(CheckDeviceHost(options.host), "--host"));
  }
  return Prefix(Labels(options.labels).status(), "--label");
}

absl::StatusOr<DeviceIdentity> Enroll(const EnrollOptions& options, const Clock& clock,
                                      Random& random) {
  CANDOR_RETURN_IF_ERROR(CheckEnrollOptions(options));
  EnrollInput input;
  input.enrollment = options.enrollment;
  input.timeout_ms = options.timeout_ms;
  input.token = options.token;
  CANDOR_ASSIGN_OR_RETURN(input.host, HostName(options));
  CANDOR_ASSIGN_OR_RETURN(input.labels, Labels(options.labels));

  const IdentityFiles files(options.state);
  CANDOR_RETURN_IF_ERROR(MakeFolder(files.folder(), 0700));
  CANDOR_ASSIGN_OR_RETURN(const FileLock lock, FileLock::Acquire(files.folder() + "/lock"));
  CANDOR_ASSIGN_OR_RETURN(const std::string spent, SpentRequest(files, options.again));
  CANDOR_ASSIGN_OR_RETURN(
      input.ca_pem, FetchPinnedAuthority(options.enrollment, options.ca_fingerprint, clock.WallMs(),
                                         kEnrollConnectTimeoutMs));
  CANDOR_ASSIGN_OR_RETURN(const PendingEnrollment pending,
                          TakeRequest(files, options, spent, random));
  input.request_id = pending.request_id;
  input.key_pem = pending.key_pem;
  CANDOR_ASSIGN_OR_RETURN(const DeviceIdentity identity, RequestEnrollment(input, clock, random));
  CANDOR_RETURN_IF_ERROR(files.Save(identity));
  CANDOR_RETURN_IF_ERROR(files.RemovePending());
  return identity;
}

}  // namespace candor
