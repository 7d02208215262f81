#include "common/tls/certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>
#include <utility>

#include "common/hash.h"
#include "common/status.h"
#include "common/time_text.h"
#include "common/tls/key.h"
#include "common/tls/openssl.h"

namespace candor {
namespace {

constexpr size_t kChainMax = 8;

int64_t ToMs(const ASN1_TIME* time) {
  std::tm fields = {};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return 0;
  return static_cast<int64_t>(timegm(&fields)) * 1000;
}

std::string AddressText(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = {};
  const int size = ASN1_STRING_length(address);
  const int family = size == 4 ? AF_INET : size == 16 ? AF_INET6 : 0;
  if (family == 0) return {};
  return inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text);
}

std::string Text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

// Calls `take` with the type and text of each subject alternative name.
template <typename Take>
void ForEachName(x509_st* certificate, Take take) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS || name->type == GEN_URI) take(name->type, Text(name->d.ia5));
    if (name->type == GEN_IPADD) take(name->type, AddressText(name->d.iPAddress));
  }
  GENERAL_NAMES_free(names);
}

bool IsAddress(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace

Certificate::Certificate(x509_st* certificate) : certificate_(certificate, X509_free) {
  X509_up_ref(certificate);
}

absl::StatusOr<Certificate> Certificate::FromPem(std::string_view pem) {
  const BioPtr bio = ReadBio(pem);
  const X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) {
    return OpensslError("not a certificate in PEM", absl::StatusCode::kInvalidArgument);
  }
  return Certificate(certificate.get());
}

absl::StatusOr<Certificate> Certificate::FromDer(std::string_view der) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = data + der.size();
  const X509Ptr certificate(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
  if (certificate == nullptr || data != end) {
    return OpensslError("not a certificate in DER", absl::StatusCode::kInvalidArgument);
  }
  return Certificate(certificate.get());
}

absl::StatusOr<std::vector<Certificate>> Certificate::ChainFromPem(std::string_view pem) {
  const BioPtr bio = ReadBio(pem);
  std::vector<Certificate> chain;
  while (const X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (chain.size() == kChainMax) {
      return absl::InvalidArgumentError("more than 8 certificates in PEM");
    }
    chain.emplace_back(next.get());
  }
  if (chain.empty()) {
    return OpensslError("not a certificate in PEM", absl::StatusCode::kInvalidArgument);
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  return chain;
}

std::string Certificate::Pem() const {
  const BioPtr bio = WriteBio();
  PEM_write_bio_X509(bio.get(), get());
  return TakeBytes(bio);
}

std::string Certificate::Der() const {
  const BioPtr bio = WriteBio();
  i2d_X509_bio(bio.get(), get());
  return TakeBytes(bio);
}

std::string Certificate::Fingerprint() const { return ToHex(Sha256(Der())); }

std::string Certificate::Serial() const {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(get());
  return ToHex(Text(serial));
}

std::string Certificate::CommonName() const {
  const X509_NAME* name = X509_get_subject_name(get());
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  return Text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

std::string Certificate::PublicKeyDer() const {
  const BioPtr bio = WriteBio();
  i2d_PUBKEY_bio(bio.get(), X509_get0_pubkey(get()));
  return TakeBytes(bio);
}

bool Certificate::IsCa() const { return X509_check_ca(get()) == 1; }
int64_t Certificate::not_before_ms() const { return ToMs(X509_get0_notBefore(get())); }
int64_t Certificate::not_after_ms() const { return ToMs(X509_get0_notAfter(get())); }

std::vector<std::string> Certificate::Uris() const {
  std::vector<std::string> uris;
  ForEachName(get(), [&](int type, std::string text) {
    if (type == GEN_URI) uris.push_back(std::move(text));
  });
  return uris;
}

std::vector<std::string> Certificate::Hosts() const {
  std::vector<std::string> hosts;
  ForEachName(get(), [&](int type, std::string text) {
    if (type != GEN_URI && !text.empty()) hosts.push_back(std::move(text));
  });
  return hosts;
}

Validity Certificate::ValidityAt(int64_t now_ms) const {
  if (now_ms < not_before_ms()) return Validity::kNotYetValid;
  return now_ms > not_after_ms() ? Validity::kExpired : Validity::kValid;
}

absl::Status Certificate::CheckDates(int64_t now_ms, std::string_view whose) const {
  std::string message(whose);
  switch (ValidityAt(now_ms)) {
    case Validity::kValid:
      return absl::OkStatus();
    case Validity::kExpired:
      message.append(" certificate expired at ").append(FormatTime(not_after_ms()));
      break;
    case Validity::kNotYetValid:
      message.append(" certificate is not valid before ").append(FormatTime(not_before_ms()));
      break;
  }
  message.append("; this machine's clock says ").append(FormatTime(now_ms));
  return absl::FailedPreconditionError(message);
}

absl::Status Certificate::CheckHost(std::string_view host) const {
  const std::string name(host);
  const int match = IsAddress(name) ? X509_check_ip_asc(get(), name.c_str(), 0)
                                    : X509_check_host(get(), name.data(), name.size(), 0, nullptr);
  if (match == 1) return absl::OkStatus();
  std::string message = "the certificate is for ";
  std::string_view separator;
  for (const std::string& known : Hosts()) {
    message.append(separator).append(known);
    separator = ", ";
  }
  return absl::InvalidArgumentError(message.append(", not for ").append(name));
}

absl::Status Certificate::CheckKey(const PrivateKey& key) const {
  if (X509_check_private_key(get(), key.get()) == 1) return absl::OkStatus();
  return OpensslError("the key does not belong to the certificate",
                      absl::StatusCode::kInvalidArgument);
}

absl::Status Certificate::VerifySignature(std::string_view bytes,
                                          std::string_view signature) const {
  const DigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY* key = X509_get0_pubkey(get());
  if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                       signature.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                       bytes.size()) == 1) {
    return absl::OkStatus();
  }
  ERR_clear_error();
  return absl::UnauthenticatedError("the signature is not by the certificate's key");
}

absl::Status VerifyIssuedBy(const Certificate& leaf, const Certificate& ca, Purpose purpose,
                            int64_t now_ms, std::string_view whose) {
  const X509StorePtr store(X509_STORE_new());
  const X509StoreContextPtr context(X509_STORE_CTX_new());
  if (X509_STORE_add_cert(store.get(), ca.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr) != 1) {
    return OpensslError("cannot check a certificate");
  }
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, static_cast<time_t>(now_ms / 1000));
  X509_VERIFY_PARAM_set_purpose(
      rules, purpose == Purpose::kServer ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
  if (X509_verify_cert(context.get()) == 1) return absl::OkStatus();
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID) {
    CANDOR_RETURN_IF_ERROR(leaf.CheckDates(now_ms, whose));
    return ca.CheckDates(now_ms, "the fleet authority's");
  }
  std::string message(whose);
  if (error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
      error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
      error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) {
    message.append(" certificate was not issued by the fleet's authority (SHA-256 ")
        .append(ca.Fingerprint())
        .append(")");
  } else {
    message.append(" certificate is not accepted: ").append(X509_verify_cert_error_string(error));
  }
  return absl::UnauthenticatedError(message);
}

absl::Status CheckFingerprint(const Certificate& certificate, std::string_view expected) {
  const absl::StatusOr<std::string> bytes = FromHex(expected);
  if (!bytes.ok() || bytes->size() != kSha256Bytes) {
    return absl::InvalidArgumentError("the fingerprint is not a SHA-256 of 64 hexadecimal digits");
  }
  if (Sha256(certificate.Der()) == *bytes) return absl::OkStatus();
  return absl::UnauthenticatedError("the fleet authority's fingerprint is " +
                                    certificate.Fingerprint() + ", not the one expected");
}

}  // namespace candor
