// X.509 certificates: what they say, and checks that name what is wrong with them.
//
// A Certificate is a cheap handle; copies share one immutable certificate. Any thread. Times are
// milliseconds since 1970 UTC.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct x509_st;

namespace candor {

class PrivateKey;

enum class Validity { kValid, kExpired, kNotYetValid };

class Certificate {
 public:
  // InvalidArgument when it is none. FromPem reads the first of the text.
  static absl::StatusOr<Certificate> FromPem(std::string_view pem);
  static absl::StatusOr<Certificate> FromDer(std::string_view der);
  // All certificates of a PEM text, in order; at most 8.
  static absl::StatusOr<std::vector<Certificate>> ChainFromPem(std::string_view pem);

  // Takes a reference of its own.
  explicit Certificate(x509_st* certificate);

  std::string Pem() const;
  std::string Der() const;
  // SHA-256 of the DER, 64 lower-case hexadecimal digits.
  std::string Fingerprint() const;
  // Hexadecimal, lower case.
  std::string Serial() const;
  std::string CommonName() const;
  std::string PublicKeyDer() const;
  bool IsCa() const;
  int64_t not_before_ms() const;
  int64_t not_after_ms() const;
  // Subject alternative names: URIs; DNS names and addresses as text.
  std::vector<std::string> Uris() const;
  std::vector<std::string> Hosts() const;

  Validity ValidityAt(int64_t now_ms) const;
  // FailedPrecondition "WHOSE certificate expired at T" or "… is not valid before T".
  absl::Status CheckDates(int64_t now_ms, std::string_view whose) const;
  // InvalidArgument "the certificate is for A, B, not for HOST".
  absl::Status CheckHost(std::string_view host) const;
  // InvalidArgument unless `key` is the other half of the certificate's key.
  absl::Status CheckKey(const PrivateKey& key) const;
  // Unauthenticated unless `signature` over `bytes` was made by this certificate's key.
  absl::Status VerifySignature(std::string_view bytes, std::string_view signature) const;

  x509_st* get() const { return certificate_.get(); }

 private:
  std::shared_ptr<x509_st> certificate_;
};

enum class Purpose { kServer, kClient };

// Checks `leaf` against the one authority `ca`: Unauthenticated for another authority, a broken
// signature or the wrong purpose; FailedPrecondition for dates (the authority's own included).
// `whose` begins the message: "the collector's".
absl::Status VerifyIssuedBy(const Certificate& leaf, const Certificate& ca, Purpose purpose,
                            int64_t now_ms, std::string_view whose);

// Compares fingerprints whatever their case and colons. InvalidArgument when `expected` is no
// SHA-256; Unauthenticated when they differ.
absl::Status CheckFingerprint(const Certificate& certificate, std::string_view expected);

}  // namespace candor
