#include "common/rpc/channel.h"
#include "common/status.h"
#include "common/tls/connection.h"

namespace candor {
namespace {

absl::Status CheckServer(const TlsConnection& connection, const Credential& credential,
                         const HostPort& where, int64_t now_ms) {
  const std::vector<Certificate> chain = connection.chain();
  if (chain.empty()) return absl::UnauthenticatedError(where.Text() + " shows no certificate");
  CANDOR_ASSIGN_OR_RETURN(const Certificate ca, Certificate::FromPem(credential.ca_pem));
  CANDOR_RETURN_IF_ERROR(VerifyIssuedBy(chain.front(), ca, Purpose::kServer, now_ms,
                                        "the collector's (" + where.Text() + ")"));
  return Prefix(chain.front().CheckHost(where.host), where.Text());
}

// With TLS 1.3 a server looks at the client's certificate after the client's handshake is done: its
// answer shows in the first read. A server that is content begins with its HTTP/2 settings.
absl::Status TryDoor(TlsConnection& connection, const HostPort& where) {
  const absl::Status answer = connection.Receive(64).status();
  if (absl::IsFailedPrecondition(answer) || absl::IsPermissionDenied(answer)) return answer;
  if (absl::IsUnavailable(answer) || absl::IsOutOfRange(answer)) {
    return absl::PermissionDeniedError(
        where.Text() +
        " closes the connection on seeing this certificate: it is of another fleet, "
        "or not valid by the collector's clock");
  }
  return answer;
}

}  // namespace

absl::Status DiagnoseConnection(const std::string& address, const Credential& credential,
                                int64_t now_ms, int64_t timeout_ms) {
  CANDOR_ASSIGN_OR_RETURN(const HostPort where, ParseHostPort(address));
  TlsConnection::Options options;
  options.host = where.host;
  options.port = where.port;
  options.certificate_pem = credential.certificate_pem;
  options.key_pem = credential.key_pem;
  options.timeout_ms = timeout_ms;
  absl::StatusOr<TlsConnection> connection = TlsConnection::Connect(options);
  if (!connection.ok()) return connection.status();
  CANDOR_RETURN_IF_ERROR(CheckServer(*connection, credential, where, now_ms));
  return credential.certificate_pem.empty() ? absl::OkStatus() : TryDoor(*connection, where);
}

}  // namespace candor
