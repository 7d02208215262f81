#include "collector/identity/grpc_credentials.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "common/log.h"
#include "common/status.h"
#include "common/tls/server_defaults.h"

namespace candor {
namespace {

constexpr int kPingIntervalMs = 60'000;
constexpr int kPingTimeoutMs = 20'000;
constexpr int kClientPingIntervalMsMin = 10'000;

std::shared_ptr<grpc::ServerCredentials> MakeCredentials(const Fleet& fleet, bool ask_client) {
  grpc::SslServerCredentialsOptions options(
      ask_client ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                 : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  if (ask_client) options.pem_root_certs = fleet.ca_pem;
  options.pem_key_cert_pairs.push_back({fleet.server_key_pem, fleet.server_chain_pem});
  if (absl::Status status = DisableSessionTickets(); !status.ok()) {
    LogWarning("session tickets stay on", {{"reason", MessageOf(status)}});
  }
  return grpc::SslServerCredentials(options);
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> FleetServerCredentials(const Fleet& fleet) {
  return MakeCredentials(fleet, true);
}

std::shared_ptr<grpc::ServerCredentials> EnrollmentServerCredentials(const Fleet& fleet) {
  return MakeCredentials(fleet, false);
}

void ConfigureServer(grpc::ServerBuilder& builder, int message_bytes_max) {
  builder.SetMaxReceiveMessageSize(message_bytes_max);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kClientPingIntervalMsMin);
  // A second collector on one port would share its laptops at random.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace candor
