#include "agent/uplink/enrollment_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "candor/v1/enrollment.grpc.pb.h"
#include "common/backoff.h"
#include "common/rpc/channel.h"
#include "common/status.h"
#include "common/tls/authority.h"
#include "common/tls/connection.h"
#include "common/tls/identity.h"
#include "common/version.h"

namespace candor {
namespace {

constexpr int64_t kBusyPauseMs = 500;
constexpr int64_t kBusyPauseMsMax = 10'000;

// Runs one call of the enrolment service; an unreachable listener is diagnosed.
template <typename Call>
absl::StatusOr<v1::EnrollReply> Ask(const std::string& enrollment, const std::string& ca_pem,
                                    int64_t now_ms, int64_t timeout_ms, Call call) {
  const auto channel = EnrollmentChannel(enrollment, ca_pem);
  const auto stub = v1::Enrollment::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms));
  v1::EnrollReply reply;
  const absl::Status status = FromGrpc(call(*stub, context, reply));
  if (status.ok()) return reply;
  if (absl::IsUnavailable(status)) {
    Credential nobody;
    nobody.ca_pem = ca_pem;
    const Diagnosis why = DiagnoseConnection(enrollment, nobody, now_ms, timeout_ms);
    if (why.fault == ConnectionFault::kServerNotTrusted) {
      return absl::UnauthenticatedError(why.detail);
    }
    if (why.fault != ConnectionFault::kNone) return absl::UnavailableError(why.detail);
    return absl::UnavailableError(
        enrollment +
        ": closes the connection; is it the fleet listener? Enrolling has a "
        "port of its own (7444 unless set otherwise)");
  }
  return status;
}

// The identity that a reply makes, if it is what it should be.
absl::StatusOr<DeviceIdentity> Accept(const v1::EnrollReply& reply, const std::string& enrollment,
                                      const std::string& ca_pem, const PrivateKey& key,
                                      int64_t now_ms) {
  CANDOR_ASSIGN_OR_RETURN(const Certificate ca, Certificate::FromPem(ca_pem));
  CANDOR_ASSIGN_OR_RETURN(const Certificate certificate,
                          Certificate::FromDer(reply.certificate_der()));
  CANDOR_RETURN_IF_ERROR(VerifyIssuedBy(certificate, ca, Purpose::kClient, now_ms, "the new"));
  CANDOR_RETURN_IF_ERROR(certificate.CheckKey(key));
  CANDOR_ASSIGN_OR_RETURN(const Identity identity, IdentityOf(certificate.Uris()));
  if (identity != Identity{Role::kAgent, reply.device_id()}) {
    return absl::DataLossError("the new certificate is not the device's");
  }
  CANDOR_ASSIGN_OR_RETURN(HostPort fleet, ParseHostPort(enrollment));
  if (reply.fleet_port() == 0 || reply.fleet_port() > 65'535) {
    return absl::DataLossError("the collector names no port for its fleet");
  }
  fleet.port = static_cast<uint16_t>(reply.fleet_port());
  DeviceIdentity device;
  device.device_id = reply.device_id();
  device.credential = {fleet.Text(), ca_pem, certificate.Pem(), key.Pem()};
  device.enrollment = enrollment;
  device.device_key = reply.device_key();
  return device;
}

absl::StatusOr<Certificate> FindAuthority(const std::vector<Certificate>& chain,
                                          const std::string& fingerprint) {
  absl::Status last = absl::UnauthenticatedError("the collector shows no authority");
  for (const Certificate& certificate : chain) {
    if (!certificate.IsCa()) continue;
    last = CheckFingerprint(certificate, fingerprint);
    if (last.ok()) return certificate;
  }
  return last;
}

absl::StatusOr<v1::EnrollRequest> MakeRequest(const EnrollInput& input, const PrivateKey& key) {
  v1::EnrollRequest request;
  CANDOR_ASSIGN_OR_RETURN(*request.mutable_csr_der(), MakeCertificateRequest(key));
  request.set_token(input.token);
  request.set_host(input.host);
  request.set_agent_version(std::string(kVersion));
  request.set_request_id(input.request_id);
  for (const auto& [name, value] : input.labels) {
    v1::Label* label = request.add_labels();
    label->set_key(name);
    label->set_value(value);
  }
  return request;
}

// Asks again while the collector says that it is busy and there is time.
absl::StatusOr<v1::EnrollReply> AskPatiently(const EnrollInput& input,
                                             const v1::EnrollRequest& request, const Clock& clock,
                                             Random& random) {
  const int64_t deadline_ms = clock.MonotonicMs() + input.timeout_ms;
  Backoff pause(kBusyPauseMs, kBusyPauseMsMax, random);
  while (true) {
    const int64_t left_ms = std::max<int64_t>(deadline_ms - clock.MonotonicMs(), 1);
    absl::StatusOr<v1::EnrollReply> reply = Ask(
        input.enrollment, input.ca_pem, clock.WallMs(), left_ms,
        [&](auto& stub, auto& context, auto& out) { return stub.Enroll(&context, request, &out); });
    if (absl::IsPermissionDenied(reply.status())) return Prefix(reply.status(), input.enrollment);
    const int64_t pause_ms = pause.NextMs();
    if (!absl::IsResourceExhausted(reply.status()) || pause_ms >= left_ms) return reply;
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  }
}

}  // namespace

absl::StatusOr<std::string> FetchPinnedAuthority(const std::string& enrollment,
                                                 const std::string& ca_fingerprint, int64_t now_ms,
                                                 int64_t timeout_ms) {
  CANDOR_ASSIGN_OR_RETURN(const HostPort where, ParseHostPort(enrollment));
  TlsConnection::Options options;
  options.host = where.host;
  options.port = where.port;
  options.timeout_ms = timeout_ms;
  CANDOR_ASSIGN_OR_RETURN(const TlsConnection connection, TlsConnection::Connect(options));
  const std::vector<Certificate> chain = connection.chain();
  absl::StatusOr<Certificate> ca = FindAuthority(chain, ca_fingerprint);
  if (!ca.ok()) return Prefix(ca.status(), enrollment);
  CANDOR_RETURN_IF_ERROR(VerifyIssuedBy(chain.front(), *ca, Purpose::kServer, now_ms,
                                        "the collector's (" + enrollment + ")"));
  CANDOR_RETURN_IF_ERROR(Prefix(chain.front().CheckHost(where.host), enrollment));
  return ca->Pem();
}

absl::StatusOr<DeviceIdentity> RequestEnrollment(const EnrollInput& input, const Clock& clock,
                                                 Random& random) {
  CANDOR_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::FromPem(input.key_pem));
  CANDOR_ASSIGN_OR_RETURN(const v1::EnrollRequest request, MakeRequest(input, key));
  const absl::StatusOr<v1::EnrollReply> reply = AskPatiently(input, request, clock, random);
  if (!reply.ok()) return reply.status();
  CANDOR_ASSIGN_OR_RETURN(DeviceIdentity device,
                          Accept(*reply, input.enrollment, input.ca_pem, key, clock.WallMs()));
  device.request_id = input.request_id;
  return device;
}

absl::StatusOr<DeviceIdentity> RequestRenewal(const DeviceIdentity& identity, const Clock& clock,
                                              int64_t timeout_ms) {
  const Credential& old = identity.credential;
  CANDOR_ASSIGN_OR_RETURN(const PrivateKey old_key, PrivateKey::FromPem(old.key_pem));
  CANDOR_ASSIGN_OR_RETURN(const Certificate certificate, Certificate::FromPem(old.certificate_pem));
  CANDOR_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate());
  v1::RenewRequest request;
  request.set_device_id(identity.device_id);
  request.set_certificate_der(certificate.Der());
  CANDOR_ASSIGN_OR_RETURN(*request.mutable_csr_der(), MakeCertificateRequest(key));
  CANDOR_ASSIGN_OR_RETURN(*request.mutable_proof(), old_key.Sign(request.csr_der()));
  CANDOR_ASSIGN_OR_RETURN(const v1::EnrollReply reply,
                          Ask(identity.enrollment, old.ca_pem, clock.WallMs(), timeout_ms,
                              [&](auto& stub, auto& context, auto& answer) {
                                return stub.Renew(&context, request, &answer);
                              }));
  if (reply.device_id() != identity.device_id) {
    return absl::DataLossError("the renewed certificate is another device's");
  }
  CANDOR_ASSIGN_OR_RETURN(DeviceIdentity device,
                          Accept(reply, identity.enrollment, old.ca_pem, key, clock.WallMs()));
  device.request_id = identity.request_id;
  return device;
}

}  // namespace candor
