#include "common/rpc/channel.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>

#include "common/rpc/grpc_log.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr int kKeepaliveMs = 20'000;
constexpr int kKeepaliveTimeoutMs = 10'000;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const grpc::SslCredentialsOptions& tls,
                                           const ChannelOptions& options) {
  RouteGrpcLog();
  grpc::ChannelArguments arguments;
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  // Without it a stream that lost its peer in a suspend or a change of networks hangs for ever.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, options.own_connection ? 1 : 0);
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetMaxSendMessageSize(kMessageBytesMax);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(tls), arguments);
}

}  // namespace

std::shared_ptr<grpc::Channel> FleetChannel(const std::string& address,
                                            const Credential& credential,
                                            const ChannelOptions& options) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = credential.ca_pem;
  tls.pem_private_key = credential.key_pem;
  tls.pem_cert_chain = credential.certificate_pem;
  return MakeChannel(address.empty() ? credential.collector : address, tls, options);
}

std::shared_ptr<grpc::Channel> EnrollmentChannel(const std::string& address,
                                                 const std::string& ca_pem,
                                                 const ChannelOptions& options) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ca_pem;
  return MakeChannel(address, tls, options);
}

absl::Status Connect(grpc::Channel& channel, const std::string& address, int64_t timeout_ms) {
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms);
  grpc_connectivity_state state = channel.GetState(true);
  while (state != GRPC_CHANNEL_READY) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) {
      return absl::UnavailableError("cannot connect to " + address);
    }
    if (!channel.WaitForStateChange(state, deadline)) {
      return absl::DeadlineExceededError("no connection to " + address + " in time");
    }
    state = channel.GetState(true);
  }
  return absl::OkStatus();
}

absl::Status FromGrpc(const grpc::Status& status) {
  // The codes are the same by design.
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  if (code != absl::StatusCode::kOk && status.error_message().empty()) {
    // gRPC says so of a call that is not served.
    return absl::Status(code, code == absl::StatusCode::kUnimplemented
                                  ? "what listens there does not know this call: it is another "
                                    "port of the collector, or an older one"
                                  : absl::StatusCodeToString(code));
  }
  return absl::Status(code, status.error_message());
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(MessageOf(status)));
}

}  // namespace candor
