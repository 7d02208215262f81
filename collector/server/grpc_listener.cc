#include "collector/server/grpc_listener.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "collector/identity/grpc_credentials.h"
#include "common/log.h"

namespace candor {
namespace {

void LogFromGrpc(gpr_log_func_args* args) {
  const LogLevel level =
      args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarning : LogLevel::kDebug;
  Log(level, "grpc", {{"message", std::string_view(args->message)}});
}

}  // namespace

GrpcListener::GrpcListener(std::unique_ptr<grpc::Server> server, std::string address, int port)
    : server_(std::move(server)), address_(std::move(address)), port_(port) {}

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Start(const Options& options) {
  const size_t colon = options.address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == options.address.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options.address, "' is not an ADDRESS:PORT to listen on"));
  }
  grpc::ServerBuilder builder;
  ConfigureServer(builder, options.message_bytes_max);
  // Two collectors must never share a port in silence.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  int port = 0;
  builder.AddListeningPort(options.address, options.credentials, &port);
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options.address));
  }
  std::string address = absl::StrCat(options.address.substr(0, colon), ":", port);
  return std::unique_ptr<GrpcListener>(
      new GrpcListener(std::move(server), std::move(address), port));
}

GrpcListener::~GrpcListener() { Shutdown(0); }

void GrpcListener::Shutdown(int64_t grace_ms) {
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(grace_ms));
  server_->Wait();
}

void PrepareGrpc() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  gpr_set_log_function(LogFromGrpc);
}

}  // namespace candor
