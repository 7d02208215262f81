#include "common/tls/openssl.h"

#include <openssl/err.h>

#include <cstring>

namespace candor {

absl::Status OpensslError(std::string_view what, absl::StatusCode code) {
  std::string message(what);
  // The first error is the cause, the later ones are its echoes on the way up.
  if (const unsigned long error = ERR_get_error(); error != 0) {
    const char* reason = ERR_reason_error_string(error);
    message.append(": ").append(reason != nullptr ? reason : "unknown error of OpenSSL");
  }
  ERR_clear_error();
  return absl::Status(code, message);
}

BioPtr ReadBio(std::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

BioPtr WriteBio() { return BioPtr(BIO_new(BIO_s_mem())); }

std::string TakeBytes(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

absl::Status CheckP256(EVP_PKEY* key, std::string_view what) {
  char group[32] = {};
  size_t size = 0;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1 ||
      std::strcmp(group, "prime256v1") != 0) {
    ERR_clear_error();
    return absl::InvalidArgumentError(std::string(what) + " is not on the curve P-256");
  }
  return absl::OkStatus();
}

}  // namespace candor
