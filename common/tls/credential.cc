#include "common/tls/credential.h"

#include <algorithm>

#include "common/config.h"
#include "common/files.h"
#include "common/status.h"
#include "common/tls/certificate.h"
#include "common/tls/connection.h"
#include "common/tls/key.h"

namespace candor {
namespace {

void AppendKey(std::string& text, const char* key, const std::string& value) {
  text.append(key).append(" = ").append(TomlString(value)).append("\n");
}

}  // namespace

std::string TomlString(const std::string& value) {
  if (value.starts_with("-----BEGIN ")) return "'''\n" + value + "'''";
  std::string text = "\"";
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text.append(1, '\\').append(1, c);
    } else if (byte < 0x20 || byte == 0x7f) {
      text.append("\\u00").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    } else {
      text.append(1, c);
    }
  }
  return text.append("\"");
}

absl::Status CheckCredential(const Credential& credential) {
  const absl::StatusOr<HostPort> collector = ParseHostPort(credential.collector);
  if (!collector.ok()) return Prefix(collector.status(), "collector");
  const absl::StatusOr<Certificate> ca = Certificate::FromPem(credential.ca_pem);
  if (!ca.ok()) return Prefix(ca.status(), "ca");
  const absl::StatusOr<Certificate> certificate = Certificate::FromPem(credential.certificate_pem);
  if (!certificate.ok()) return Prefix(certificate.status(), "certificate");
  const absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(credential.key_pem);
  if (!key.ok()) return Prefix(key.status(), "key");
  return Prefix(certificate->CheckKey(*key), "certificate");
}

absl::StatusOr<Credential> LoadCredential(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(const std::string text, ReadSecretFile(path));
  CANDOR_ASSIGN_OR_RETURN(ConfigReader reader, ConfigReader::FromText(text, path));
  Credential credential;
  reader.Get("collector", credential.collector);
  reader.Get("ca", credential.ca_pem);
  reader.Get("certificate", credential.certificate_pem);
  reader.Get("key", credential.key_pem);
  CANDOR_RETURN_IF_ERROR(reader.Finish());
  CANDOR_RETURN_IF_ERROR(Prefix(CheckCredential(credential), path));
  return credential;
}

absl::Status SaveCredential(const std::string& path, const Credential& credential,
                            const std::string& comment) {
  std::string text;
  for (size_t at = 0; at < comment.size();) {
    const size_t end = std::min(comment.find('\n', at), comment.size());
    text.append("# ").append(comment, at, end - at).append("\n");
    at = end + 1;
  }
  AppendKey(text, "collector", credential.collector);
  AppendKey(text, "ca", credential.ca_pem);
  AppendKey(text, "certificate", credential.certificate_pem);
  AppendKey(text, "key", credential.key_pem);
  return WriteFileAtomically(path, text, 0600);
}

}  // namespace candor
