// Private keys on the curve P-256, the only kind Candor makes or accepts (OpenSSL 3, EVP).
//
// A PrivateKey is a cheap handle; copies share one immutable key. Any thread. Errors carry what
// OpenSSL said; FailedPrecondition for a key file that others may read.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct evp_pkey_st;

namespace candor {

class PrivateKey {
 public:
  // From OpenSSL's own generator: a key is never made from a seeded one.
  static absl::StatusOr<PrivateKey> Generate();
  // PKCS#8 or SEC1, not encrypted. InvalidArgument for anything but P-256.
  static absl::StatusOr<PrivateKey> FromPem(std::string_view pem);
  // Refuses a file that group or others may read.
  static absl::StatusOr<PrivateKey> Load(const std::string& path);

  // PKCS#8.
  std::string Pem() const;
  // Atomically, readable by its owner only.
  absl::Status Save(const std::string& path) const;

  // DER of the public half (SubjectPublicKeyInfo): equal for equal keys.
  std::string PublicDer() const;
  // ECDSA with SHA-256 in DER. Certificate::VerifySignature is its other half.
  absl::StatusOr<std::string> Sign(std::string_view bytes) const;

  // For common/tls only; lives as long as the object.
  evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace candor
