// One gRPC server on one address. The only file of the collector that sees gRPC's server builder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grpc {
class Server;
class ServerCredentials;
class Service;
}  // namespace grpc

namespace candor {

// InvalidArgument when it is no "ADDRESS:PORT". What the address is, is known only by listening.
absl::Status CheckListenAddress(const std::string& address);

class GrpcListener {
 public:
  struct Options {
    std::string address;  // "ADDRESS:PORT", port 0 for a free one
    std::shared_ptr<grpc::ServerCredentials> credentials;
    std::vector<grpc::Service*> services;  // must outlive the listener
    int message_bytes_max = 4 << 20;
  };

  // Unavailable when the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Start(const Options& options);
  // Ends all calls at once.
  ~GrpcListener();

  int port() const { return port_; }
  // The address asked for, with the port in use.
  const std::string& address() const { return address_; }

  // No new calls; those under way may end by themselves for `grace_ms`, then they are cancelled.
  void Shutdown(int64_t grace_ms);

 private:
  GrpcListener(std::unique_ptr<grpc::Server> server, std::string address, int port);
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  int port_;
};

// The mutexes of gRPC's libraries stop looking for deadlocks, which is a third of the cost of a
// connection. Call once, first in main.
void PrepareGrpc();

}  // namespace candor
