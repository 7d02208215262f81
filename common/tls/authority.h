// Certificate requests, and the fleet's authority that answers them.
//
// All dates begin a day early, so that a laptop whose clock is hours behind can still enrol and
// push. Serials are 128 random bits. Any thread once made; `random` is used only during a call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/random.h"
#include "common/time_units.h"
#include "common/tls/certificate.h"
#include "common/tls/identity.h"
#include "common/tls/key.h"

namespace candor {

constexpr int64_t kDeviceCertificateMs = 30 * kMsPerDay;
constexpr int64_t kServerCertificateMs = 365 * kMsPerDay;
constexpr int64_t kAdministratorCertificateMs = 365 * kMsPerDay;
constexpr int64_t kAuthorityMs = 3650 * kMsPerDay;
constexpr int64_t kBackdatedMs = kMsPerDay;

// When two thirds of a certificate's life are over, it is time for the next one.
int64_t RenewalDueMs(const Certificate& certificate);

// A PKCS#10 request in DER, signed by `key`. It names nothing: who somebody is, is decided by the
// issuer alone.
absl::StatusOr<std::string> MakeCertificateRequest(const PrivateKey& key);

// A public key whose owner has proved to hold the private half.
class CertificateRequest {
 public:
  // InvalidArgument: not a request, larger than 4 KiB, its own signature wrong, or not P-256.
  static absl::StatusOr<CertificateRequest> FromDer(std::string_view der);
  std::string PublicKeyDer() const;
  evp_pkey_st* public_key() const { return key_.get(); }

 private:
  explicit CertificateRequest(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

class CertificateAuthority {
 public:
  // A new self-signed authority, valid for ten years.
  static absl::StatusOr<CertificateAuthority> Create(std::string_view name, int64_t now_ms,
                                                     Random& random);
  // InvalidArgument unless the certificate is an authority's and `key` belongs to it.
  static absl::StatusOr<CertificateAuthority> From(Certificate certificate, PrivateKey key);

  // For TLS servers: `hosts` are DNS names and addresses; at least one. InvalidArgument names the
  // host that is neither.
  absl::StatusOr<Certificate> IssueServer(const CertificateRequest& request,
                                          const std::vector<std::string>& hosts, int64_t now_ms,
                                          Random& random) const;
  // For TLS clients: a device for 30 days, anybody else for a year.
  absl::StatusOr<Certificate> IssueClient(const CertificateRequest& request,
                                          const Identity& identity, int64_t now_ms,
                                          Random& random) const;
  // The same with a life of the caller's choice, never longer than the authority's own.
  absl::StatusOr<Certificate> IssueClientFor(const CertificateRequest& request,
                                             const Identity& identity, int64_t now_ms,
                                             int64_t life_ms, Random& random) const;

  const Certificate& certificate() const { return certificate_; }
  const PrivateKey& key() const { return key_; }

 private:
  CertificateAuthority(Certificate certificate, PrivateKey key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}
  Certificate certificate_;
  PrivateKey key_;
};

// A DNS name (letters, digits, '-' and '.', at most 253) or an IP address.
absl::Status CheckHostName(std::string_view host);

}  // namespace candor
