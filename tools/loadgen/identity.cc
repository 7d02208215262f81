#include "tools/loadgen/identity.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "candor/v1/enrollment.grpc.pb.h"
#include "common/backoff.h"
#include "common/files.h"
#include "common/rpc/channel.h"
#include "common/status.h"
#include "common/tls/authority.h"
#include "common/tls/connection.h"
#include "common/version.h"
#include "tools/loadgen/retry.h"

namespace candor::loadgen {
namespace {

constexpr int64_t kCallTimeoutMs = 15'000;

v1::EnrollRequest MakeRequest(const DeviceProfile& profile, const std::string& token,
                              std::string csr_der, Random& random) {
  v1::EnrollRequest request;
  request.set_token(token);
  request.set_csr_der(std::move(csr_der));
  request.set_host(profile.host);
  for (const auto& [key, value] : ProfileLabels(profile)) {
    v1::Label* label = request.add_labels();
    label->set_key(key);
    label->set_value(value);
  }
  request.set_agent_version(std::string(kVersion));
  request.set_request_id(random.Bytes(16));
  return request;
}

}  // namespace

Enroller::Enroller(EnrollmentTarget target, Random& random, const Clock& clock)
    : target_(std::move(target)), random_(random), clock_(clock) {}
Enroller::~Enroller() = default;

absl::StatusOr<Credential> Enroller::Identify(const DeviceProfile& profile) {
  const std::string path =
      target_.folder.empty() ? "" : target_.folder + "/" + profile.host + ".toml";
  if (!path.empty() && std::filesystem::exists(path)) return LoadCredential(path);
  CANDOR_RETURN_IF_ERROR(FindCollector());
  absl::StatusOr<Credential> credential = Enroll(profile);
  if (!credential.ok()) return Prefix(credential.status(), "cannot enrol " + profile.host);
  ++enrolled_;
  if (!path.empty()) {
    CANDOR_RETURN_IF_ERROR(MakeFolder(target_.folder, 0700));
    CANDOR_RETURN_IF_ERROR(
        SaveCredential(path, *credential, "Identity of the simulated laptop " + profile.host));
  }
  return credential;
}

absl::Status Enroller::FindCollector() {
  if (channel_ != nullptr) return absl::OkStatus();
  Backoff backoff(kRetryBaseMs, kRetryCapMs, random_);
  const int64_t give_up_ms = clock_.MonotonicMs() + target_.retry_for_ms;
  for (;;) {
    const absl::Status status = PinCollector();
    if (status.ok() || !WorthAnotherTry(status) || clock_.MonotonicMs() > give_up_ms) {
      return status;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(backoff.NextMs()));
  }
}

absl::Status Enroller::PinCollector() {
  CANDOR_ASSIGN_OR_RETURN(const HostPort address, ParseHostPort(target_.collector));
  TlsConnection::Options options;
  options.host = address.host;
  options.port = address.port;
  CANDOR_ASSIGN_OR_RETURN(const TlsConnection connection, TlsConnection::Connect(options));
  const std::vector<Certificate> chain = connection.chain();
  if (chain.empty()) return absl::UnauthenticatedError("the collector shows no certificate");
  CANDOR_RETURN_IF_ERROR(CheckFingerprint(chain.back(), target_.ca_fingerprint));
  ca_pem_ = chain.back().Pem();
  channel_ = EnrollmentChannel(target_.collector, ca_pem_);
  return absl::OkStatus();
}

absl::StatusOr<Credential> Enroller::Enroll(const DeviceProfile& profile) {
  CANDOR_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate());
  CANDOR_ASSIGN_OR_RETURN(std::string csr_der, MakeCertificateRequest(key));
  const v1::EnrollRequest request =
      MakeRequest(profile, target_.token, std::move(csr_der), random_);
  const auto stub = v1::Enrollment::NewStub(channel_);
  v1::EnrollReply reply;
  Backoff backoff(kRetryBaseMs, kRetryCapMs, random_);
  const int64_t give_up_ms = clock_.MonotonicMs() + target_.retry_for_ms;
  for (;;) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(kCallTimeoutMs));
    context.set_wait_for_ready(true);
    const absl::Status status = FromGrpc(stub->Enroll(&context, request, &reply));
    if (status.ok()) break;
    if (!WorthAnotherTry(status) || clock_.MonotonicMs() > give_up_ms) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(backoff.NextMs()));
  }
  CANDOR_ASSIGN_OR_RETURN(const Certificate certificate,
                          Certificate::FromDer(reply.certificate_der()));
  CANDOR_ASSIGN_OR_RETURN(HostPort fleet, ParseHostPort(target_.collector));
  fleet.port = static_cast<uint16_t>(reply.fleet_port());
  return Credential{fleet.Text(), ca_pem_, certificate.Pem(), key.Pem()};
}

}  // namespace candor::loadgen
