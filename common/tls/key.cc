#include "common/tls/key.h"

#include <openssl/pem.h>

#include <utility>

#include "common/files.h"
#include "common/status.h"
#include "common/tls/openssl.h"

namespace candor {
namespace {

std::shared_ptr<evp_pkey_st> Share(EvpKeyPtr key) { return {key.release(), EVP_PKEY_free}; }

// Without it OpenSSL would ask the terminal for the password of an encrypted key.
int NoPassword(char*, int, int, void*) { return 0; }

}  // namespace

absl::StatusOr<PrivateKey> PrivateKey::Generate() {
  EvpKeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpensslError("cannot make a key");
  return PrivateKey(Share(std::move(key)));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(std::string_view pem) {
  const BioPtr bio = ReadBio(pem);
  EvpKeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) {
    return OpensslError("not a private key in PEM", absl::StatusCode::kInvalidArgument);
  }
  CANDOR_RETURN_IF_ERROR(CheckP256(key.get(), "the private key"));
  return PrivateKey(Share(std::move(key)));
}

absl::StatusOr<PrivateKey> PrivateKey::Load(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(const std::string pem, ReadSecretFile(path));
  absl::StatusOr<PrivateKey> key = FromPem(pem);
  if (!key.ok()) return Prefix(key.status(), path);
  return key;
}

std::string PrivateKey::Pem() const {
  const BioPtr bio = WriteBio();
  PEM_write_bio_PKCS8PrivateKey(bio.get(), get(), nullptr, nullptr, 0, nullptr, nullptr);
  return TakeBytes(bio);
}

absl::Status PrivateKey::Save(const std::string& path) const {
  return WriteFileAtomically(path, Pem(), 0600);
}

std::string PrivateKey::PublicDer() const {
  const BioPtr bio = WriteBio();
  i2d_PUBKEY_bio(bio.get(), get());
  return TakeBytes(bio);
}

absl::StatusOr<std::string> PrivateKey::Sign(std::string_view bytes) const {
  const DigestContextPtr context(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size()) != 1) {
    return OpensslError("cannot sign");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                     bytes.size()) != 1) {
    return OpensslError("cannot sign");
  }
  signature.resize(size);
  return signature;
}

}  // namespace candor
