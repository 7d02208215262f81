// Owners of OpenSSL's objects and its error queue as a Status. For common/tls/*.cc only: it brings
// in OpenSSL's headers.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace candor {

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using EvpKeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using X509RequestPtr = std::unique_ptr<X509_REQ, OpensslFree<X509_REQ_free>>;
using X509StorePtr = std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>>;
using X509StoreContextPtr = std::unique_ptr<X509_STORE_CTX, OpensslFree<X509_STORE_CTX_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

// Empties OpenSSL's error queue of this thread into "WHAT: REASON". The code is `code`.
absl::Status OpensslError(std::string_view what,
                          absl::StatusCode code = absl::StatusCode::kInternal);

// A memory BIO that reads from `bytes`, which must outlive it.
BioPtr ReadBio(std::string_view bytes);
BioPtr WriteBio();
std::string TakeBytes(const BioPtr& bio);

// InvalidArgument unless it is an elliptic-curve key on P-256.
absl::Status CheckP256(EVP_PKEY* key, std::string_view what);

}  // namespace candor
