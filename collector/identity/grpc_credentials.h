// TLS of the collector's two gRPC listeners, and what every gRPC server of it shares.
#pragma once

#include <memory>

#include "collector/identity/fleet.h"

namespace grpc {
class ServerBuilder;
class ServerCredentials;
}  // namespace grpc

namespace candor {

// Fleet listener: a client certificate of the fleet's authority is mandatory.
std::shared_ptr<grpc::ServerCredentials> FleetServerCredentials(const Fleet& fleet);

// Enrolment listener: the server proves itself, the client need not.
std::shared_ptr<grpc::ServerCredentials> EnrollmentServerCredentials(const Fleet& fleet);

// Keepalive that bears the laptops' own (common/rpc/channel.h) and finds those that went away;
// messages of at most `message_bytes_max`.
void ConfigureServer(grpc::ServerBuilder& builder, int message_bytes_max);

}  // namespace candor
