#include "common/rpc/channel.h"
#include "common/status.h"
#include "common/tls/connection.h"

namespace candor {
namespace {

Diagnosis Found(ConnectionFault fault, const absl::Status& status) {
  return {fault, std::string(MessageOf(status))};
}

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
Diagnosis TryDoor(TlsConnection& connection, const HostPort& where) {
  const absl::Status answer = connection.Receive(64).status();
  if (answer.ok()) return {};
  if (absl::IsFailedPrecondition(answer)) return Found(ConnectionFault::kClientExpired, answer);
  if (absl::IsPermissionDenied(answer)) return Found(ConnectionFault::kClientRefused, answer);
  if (absl::IsUnavailable(answer) || absl::IsOutOfRange(answer)) {
    return {ConnectionFault::kClientRefused,
            where.Text() +
                " closes the connection on seeing this certificate: it is of another "
                "fleet, or not valid by the collector's clock"};
  }
  return Found(ConnectionFault::kUnreachable, answer);
}

}  // namespace

Diagnosis DiagnoseConnection(const std::string& address, const Credential& credential,
                             int64_t now_ms, int64_t timeout_ms) {
  const absl::StatusOr<HostPort> where = ParseHostPort(address);
  if (!where.ok()) return Found(ConnectionFault::kUnreachable, where.status());
  TlsConnection::Options options;
  options.host = where->host;
  options.port = where->port;
  options.certificate_pem = credential.certificate_pem;
  options.key_pem = credential.key_pem;
  options.timeout_ms = timeout_ms;
  absl::StatusOr<TlsConnection> connection = TlsConnection::Connect(options);
  if (absl::IsFailedPrecondition(connection.status())) {
    return Found(ConnectionFault::kClientExpired, connection.status());
  }
  if (absl::IsPermissionDenied(connection.status())) {
    return Found(ConnectionFault::kClientRefused, connection.status());
  }
  if (!connection.ok()) return Found(ConnectionFault::kUnreachable, connection.status());
  if (absl::Status server = CheckServer(*connection, credential, *where, now_ms); !server.ok()) {
    return Found(ConnectionFault::kServerNotTrusted, server);
  }
  return credential.certificate_pem.empty() ? Diagnosis{} : TryDoor(*connection, *where);
}

}  // namespace candor
