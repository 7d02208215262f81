#include "common/tls/authority.h"

#include <arpa/inet.h>
#include <openssl/bn.h>

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/tls/openssl.h"

namespace candor {
namespace {

constexpr size_t kRequestBytesMax = 4096;
constexpr size_t kSerialBytes = 16;
constexpr size_t kHostMax = 253;

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;

struct Profile {
  std::string common_name;
  std::vector<std::string> hosts;
  std::vector<std::string> uris;
  enum Kind { kAuthority, kServer, kClient } kind = kClient;
  int64_t not_before_ms = 0;
  int64_t not_after_ms = 0;
};

// 4 or 16 bytes of an address, nothing for a DNS name.
std::string AddressBytes(const std::string& host) {
  unsigned char bytes[16];
  if (inet_pton(AF_INET, host.c_str(), bytes) == 1) return {bytes, bytes + 4};
  if (inet_pton(AF_INET6, host.c_str(), bytes) == 1) return {bytes, bytes + 16};
  return {};
}

absl::Status SetSerial(X509* certificate, Random& random) {
  std::string bytes = random.Bytes(kSerialBytes);
  // Positive, and as long as it is random: the top byte is neither negative nor zero.
  bytes[0] = static_cast<char>((bytes[0] & 0x3f) | 0x40);
  std::unique_ptr<BIGNUM, OpensslFree<BN_free>> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                static_cast<int>(bytes.size()), nullptr));
  if (number == nullptr ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return OpensslError("cannot set a certificate's serial");
  }
  return absl::OkStatus();
}

void AppendName(GENERAL_NAMES* names, int type, std::string_view bytes) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* text = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
  GENERAL_NAME_set0_value(name, type, text);
  sk_GENERAL_NAME_push(names, name);
}

absl::Status AddNames(X509* certificate, const Profile& profile) {
  if (profile.hosts.empty() && profile.uris.empty()) return absl::OkStatus();
  const GeneralNamesPtr names(GENERAL_NAMES_new());
  for (const std::string& host : profile.hosts) {
    CANDOR_RETURN_IF_ERROR(CheckHostName(host));
    const std::string address = AddressBytes(host);
    AppendName(names.get(), address.empty() ? GEN_DNS : GEN_IPADD,
               address.empty() ? host : address);
  }
  for (const std::string& uri : profile.uris) AppendName(names.get(), GEN_URI, uri);
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) !=
      1) {
    return OpensslError("cannot name a certificate's subject");
  }
  return absl::OkStatus();
}

// The texts are constants: nothing from outside reaches OpenSSL's configuration language.
absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const char* text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, text));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpensslError("cannot extend a certificate");
  }
  return absl::OkStatus();
}

absl::Status AddExtensions(X509* certificate, X509* issuer, const Profile& profile) {
  const bool authority = profile.kind == Profile::kAuthority;
  CANDOR_RETURN_IF_ERROR(
      AddExtension(certificate, issuer, NID_basic_constraints,
                   authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE"));
  CANDOR_RETURN_IF_ERROR(
      AddExtension(certificate, issuer, NID_key_usage,
                   authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature"));
  CANDOR_RETURN_IF_ERROR(AddExtension(certificate, issuer, NID_subject_key_identifier, "hash"));
  if (!authority) {
    CANDOR_RETURN_IF_ERROR(
        AddExtension(certificate, issuer, NID_authority_key_identifier, "keyid:always"));
    // A laptop's certificate never serves as a collector's.
    CANDOR_RETURN_IF_ERROR(
        AddExtension(certificate, issuer, NID_ext_key_usage,
                     profile.kind == Profile::kServer ? "serverAuth" : "clientAuth"));
  }
  return AddNames(certificate, profile);
}

// `issuer` null: self-signed.
absl::StatusOr<Certificate> Issue(EVP_PKEY* public_key, const Profile& profile, X509* issuer,
                                  const PrivateKey& signer, Random& random) {
  const X509Ptr certificate(X509_new());
  X509* x = certificate.get();
  X509_NAME* subject = X509_get_subject_name(x);
  const auto* name = reinterpret_cast<const unsigned char*>(profile.common_name.data());
  if (X509_set_version(x, X509_VERSION_3) != 1 || X509_set_pubkey(x, public_key) != 1 ||
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, name,
                                 static_cast<int>(profile.common_name.size()), -1, 0) != 1 ||
      X509_set_issuer_name(x, issuer != nullptr ? X509_get_subject_name(issuer) : subject) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(x), static_cast<time_t>(profile.not_before_ms / 1000)) ==
          nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(x), static_cast<time_t>(profile.not_after_ms / 1000)) ==
          nullptr) {
    return OpensslError("cannot make a certificate");
  }
  CANDOR_RETURN_IF_ERROR(SetSerial(x, random));
  CANDOR_RETURN_IF_ERROR(AddExtensions(x, issuer != nullptr ? issuer : x, profile));
  if (X509_sign(x, signer.get(), EVP_sha256()) == 0) {
    return OpensslError("cannot sign a certificate");
  }
  return Certificate(x);
}

}  // namespace

int64_t RenewalDueMs(const Certificate& certificate) {
  const int64_t life_ms = certificate.not_after_ms() - certificate.not_before_ms();
  return certificate.not_before_ms() + life_ms / 3 * 2;
}

absl::Status CheckHostName(std::string_view host) {
  if (!AddressBytes(std::string(host)).empty()) return absl::OkStatus();
  const bool letters = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
  const bool dots =
      host.find("..") == std::string_view::npos && !host.starts_with('.') && !host.ends_with('.');
  if (!host.empty() && host.size() <= kHostMax && letters && dots) return absl::OkStatus();
  return absl::InvalidArgumentError("neither a host name nor an address: \"" +
                                    std::string(host.substr(0, kHostMax)) + "\"");
}

absl::StatusOr<std::string> MakeCertificateRequest(const PrivateKey& key) {
  const X509RequestPtr request(X509_REQ_new());
  if (X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) {
    return OpensslError("cannot make a certificate request");
  }
  const BioPtr bio = WriteBio();
  if (i2d_X509_REQ_bio(bio.get(), request.get()) != 1) {
    return OpensslError("cannot encode a certificate request");
  }
  return TakeBytes(bio);
}

absl::StatusOr<CertificateRequest> CertificateRequest::FromDer(std::string_view der) {
  if (der.size() > kRequestBytesMax) {
    return absl::InvalidArgumentError("the certificate request exceeds 4 KiB");
  }
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = data + der.size();
  const X509RequestPtr request(d2i_X509_REQ(nullptr, &data, static_cast<long>(der.size())));
  if (request == nullptr || data != end) {
    return OpensslError("not a certificate request", absl::StatusCode::kInvalidArgument);
  }
  EvpKeyPtr key(X509_REQ_get_pubkey(request.get()));
  if (key == nullptr) {
    return OpensslError("the certificate request has no key", absl::StatusCode::kInvalidArgument);
  }
  CANDOR_RETURN_IF_ERROR(CheckP256(key.get(), "the certificate request's key"));
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    return OpensslError("the certificate request is not signed by its own key",
                        absl::StatusCode::kInvalidArgument);
  }
  return CertificateRequest(std::shared_ptr<evp_pkey_st>(key.release(), EVP_PKEY_free));
}

std::string CertificateRequest::PublicKeyDer() const {
  const BioPtr bio = WriteBio();
  i2d_PUBKEY_bio(bio.get(), key_.get());
  return TakeBytes(bio);
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Create(std::string_view name,
                                                                  int64_t now_ms, Random& random) {
  CANDOR_ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::Generate());
  const Profile profile = {.common_name = std::string(name),
                           .hosts = {},
                           .uris = {},
                           .kind = Profile::kAuthority,
                           .not_before_ms = now_ms - kBackdatedMs,
                           .not_after_ms = now_ms + kAuthorityMs};
  CANDOR_ASSIGN_OR_RETURN(Certificate certificate, Issue(key.get(), profile, nullptr, key, random));
  return CertificateAuthority(std::move(certificate), std::move(key));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::From(Certificate certificate,
                                                                PrivateKey key) {
  if (!certificate.IsCa()) {
    return absl::InvalidArgumentError("the certificate is not an authority's");
  }
  CANDOR_RETURN_IF_ERROR(certificate.CheckKey(key));
  return CertificateAuthority(std::move(certificate), std::move(key));
}

absl::StatusOr<Certificate> CertificateAuthority::IssueServer(const CertificateRequest& request,
                                                              const std::vector<std::string>& hosts,
                                                              int64_t now_ms,
                                                              Random& random) const {
  if (hosts.empty()) return absl::InvalidArgumentError("a server's certificate needs a host name");
  const Profile profile = {
      .common_name = "Candor collector",
      .hosts = hosts,
      .uris = {},
      .kind = Profile::kServer,
      .not_before_ms = now_ms - kBackdatedMs,
      .not_after_ms = std::min(now_ms + kServerCertificateMs, certificate_.not_after_ms())};
  return Issue(request.public_key(), profile, certificate_.get(), key_, random);
}

absl::StatusOr<Certificate> CertificateAuthority::IssueClient(const CertificateRequest& request,
                                                              const Identity& identity,
                                                              int64_t now_ms,
                                                              Random& random) const {
  const int64_t life_ms =
      identity.role == Role::kAgent ? kDeviceCertificateMs : kAdministratorCertificateMs;
  return IssueClientFor(request, identity, now_ms, life_ms, random);
}

absl::StatusOr<Certificate> CertificateAuthority::IssueClientFor(const CertificateRequest& request,
                                                                 const Identity& identity,
                                                                 int64_t now_ms, int64_t life_ms,
                                                                 Random& random) const {
  // What is issued must be what the other side will read out of it.
  CANDOR_RETURN_IF_ERROR(ParseIdentity(identity.Uri()).status());
  const Profile profile = {.common_name = identity.name,
                           .hosts = {},
                           .uris = {identity.Uri()},
                           .kind = Profile::kClient,
                           .not_before_ms = now_ms - kBackdatedMs,
                           .not_after_ms = std::min(now_ms + life_ms, certificate_.not_after_ms())};
  return Issue(request.public_key(), profile, certificate_.get(), key_, random);
}

}  // namespace candor
