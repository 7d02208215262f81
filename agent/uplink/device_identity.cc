#include "agent/uplink/device_identity.h"

#include <unistd.h>

#include <cerrno>

#include "common/config.h"
#include "common/files.h"
#include "common/hash.h"
#include "common/status.h"
#include "common/tls/connection.h"
#include "common/tls/identity.h"
#include "common/tls/key.h"

namespace candor {
namespace {

constexpr size_t kDeviceKeyBytes = 32;

std::string Line(const char* key, const std::string& value) {
  return std::string(key) + " = " + TomlString(value) + "\n";
}

absl::StatusOr<std::string> HexBytes(const ConfigReader& reader, const char* key,
                                     const std::string& hex) {
  absl::StatusOr<std::string> bytes = FromHex(hex);
  if (!bytes.ok()) return reader.Error(key, MessageOf(bytes.status()));
  return bytes;
}

absl::Status CheckIdentity(const DeviceIdentity& identity) {
  CANDOR_RETURN_IF_ERROR(CheckCredential(identity.credential));
  if (!IsUuid(identity.device_id)) return absl::InvalidArgumentError("device_id is no UUID");
  if (identity.device_key.size() != kDeviceKeyBytes) {
    return absl::InvalidArgumentError("device_key does not have 32 bytes");
  }
  return Prefix(ParseHostPort(identity.enrollment).status(), "enrollment");
}

}  // namespace

absl::StatusOr<DeviceIdentity> IdentityFiles::Load() const {
  const absl::StatusOr<std::string> text = ReadSecretFile(path());
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError("not enrolled: there is no " + path() +
                               "; enrol with candor-agent enroll");
  }
  if (!text.ok()) return text.status();
  CANDOR_ASSIGN_OR_RETURN(ConfigReader reader, ConfigReader::FromText(*text, path()));
  DeviceIdentity identity;
  std::string device_key;
  std::string request_id;
  reader.Get("device_id", identity.device_id);
  reader.Get("collector", identity.credential.collector);
  reader.Get("enrollment", identity.enrollment);
  reader.Get("ca", identity.credential.ca_pem);
  reader.Get("certificate", identity.credential.certificate_pem);
  reader.Get("key", identity.credential.key_pem);
  reader.Get("device_key", device_key);
  reader.Get("request_id", request_id);
  CANDOR_RETURN_IF_ERROR(reader.Finish());
  CANDOR_ASSIGN_OR_RETURN(identity.device_key, HexBytes(reader, "device_key", device_key));
  CANDOR_ASSIGN_OR_RETURN(identity.request_id, HexBytes(reader, "request_id", request_id));
  CANDOR_RETURN_IF_ERROR(Prefix(CheckIdentity(identity), path()));
  return identity;
}

absl::Status IdentityFiles::Save(const DeviceIdentity& identity) const {
  CANDOR_RETURN_IF_ERROR(CheckIdentity(identity));
  CANDOR_RETURN_IF_ERROR(MakeFolder(folder_, 0700));
  return WriteFileAtomically(
      path(),
      "# This laptop's identity in its fleet. Whoever can read it can speak for the laptop.\n" +
          Line("device_id", identity.device_id) + Line("collector", identity.credential.collector) +
          Line("enrollment", identity.enrollment) + Line("ca", identity.credential.ca_pem) +
          Line("certificate", identity.credential.certificate_pem) +
          Line("key", identity.credential.key_pem) +
          Line("device_key", ToHex(identity.device_key)) +
          Line("request_id", ToHex(identity.request_id)),
      0600);
}

absl::StatusOr<std::optional<PendingEnrollment>> IdentityFiles::LoadPending() const {
  const absl::StatusOr<std::string> text = ReadSecretFile(pending_path());
  if (absl::IsNotFound(text.status())) return std::nullopt;
  if (!text.ok()) return text.status();
  CANDOR_ASSIGN_OR_RETURN(ConfigReader reader, ConfigReader::FromText(*text, pending_path()));
  PendingEnrollment pending;
  std::string request_id;
  reader.Get("enrollment", pending.enrollment);
  reader.Get("ca_fingerprint", pending.ca_fingerprint);
  reader.Get("request_id", request_id);
  reader.Get("key", pending.key_pem);
  CANDOR_RETURN_IF_ERROR(reader.Finish());
  CANDOR_ASSIGN_OR_RETURN(pending.request_id, HexBytes(reader, "request_id", request_id));
  CANDOR_RETURN_IF_ERROR(Prefix(PrivateKey::FromPem(pending.key_pem).status(), pending_path()));
  return pending;
}

absl::Status IdentityFiles::SavePending(const PendingEnrollment& pending) const {
  CANDOR_RETURN_IF_ERROR(MakeFolder(folder_, 0700));
  return WriteFileAtomically(
      pending_path(),
      Line("enrollment", pending.enrollment) + Line("ca_fingerprint", pending.ca_fingerprint) +
          Line("request_id", ToHex(pending.request_id)) + Line("key", pending.key_pem),
      0600);
}

absl::Status IdentityFiles::RemovePending() const {
  if (unlink(pending_path().c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return ErrnoStatus(errno, pending_path());
}

}  // namespace candor
