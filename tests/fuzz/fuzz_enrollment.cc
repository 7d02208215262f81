// What a stranger may send to the enrolment listener: certificate requests, certificates and what a
// laptop says about itself. The first byte chooses which.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/tls/authority.h"
#include "common/tls/connection.h"
#include "common/tls/labels.h"

namespace {

void TryCertificate(std::string_view der) {
  const auto certificate = candor::Certificate::FromDer(der);
  if (!certificate.ok()) return;
  static_cast<void>(certificate->Hosts());
  static_cast<void>(certificate->CommonName());
  static_cast<void>(candor::IdentityOf(certificate->Uris()));
  static_cast<void>(certificate->CheckDates(1'790'000'000'000, "the old"));
  // What was read is what is written again.
  if (candor::Certificate::FromDer(certificate->Der())->Fingerprint() !=
      certificate->Fingerprint()) {
    std::abort();
  }
}

void TryIdentity(std::string_view text) {
  const auto identity = candor::ParseIdentity(text);
  if (identity.ok() && identity->Uri() != text) std::abort();
}

void TryText(std::string_view text) {
  const auto label = candor::ParseLabel(text);
  if (label.ok() && !candor::IsCleanUtf8(label->second)) std::abort();
  static_cast<void>(candor::CheckDeviceHost(text));
  const auto address = candor::ParseHostPort(text);
  if (address.ok() && candor::ParseHostPort(address->Text())->host != address->host) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      static_cast<void>(candor::CertificateRequest::FromDer(rest));
      break;
    case 1:
      TryCertificate(rest);
      break;
    case 2:
      TryIdentity(rest);
      break;
    default:
      TryText(rest);
  }
  return 0;
}
