#include "collector/server/grpc_listener.h"

#include <grpcpp/grpcpp.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "collector/identity/grpc_credentials.h"
#include "common/rpc/grpc_log.h"
#include "common/status.h"

namespace candor {
namespace {

// gRPC does not say why it cannot listen: a plain socket does.
std::string WhyNot(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return gai_strerror(error);
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound =
      fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return bound ? "no reason given" : std::strerror(error);
}

// gRPC takes the lower bits of what is larger.
bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

absl::Status CheckListenAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon != std::string::npos && colon != 0 &&
      IsPort(std::string_view(address).substr(colon + 1))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", address, "' is not an ADDRESS:PORT to listen on (port 0 to 65535)"));
}

GrpcListener::GrpcListener(std::unique_ptr<grpc::Server> server, std::string address, int port)
    : server_(std::move(server)), address_(std::move(address)), port_(port) {}

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Start(const Options& options) {
  CANDOR_RETURN_IF_ERROR(CheckListenAddress(options.address));
  const size_t colon = options.address.rfind(':');
  RouteGrpcLog();
  grpc::ServerBuilder builder;
  ConfigureServer(builder, options.message_bytes_max);
  // Two collectors must never share a port in silence.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  int port = 0;
  builder.AddListeningPort(options.address, options.credentials, &port);
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::string host = options.address.substr(0, colon);
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options.address, ": ",
                                               WhyNot(host, options.address.substr(colon + 1))));
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

void PrepareGrpc() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

}  // namespace candor
