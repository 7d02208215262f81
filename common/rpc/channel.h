// gRPC channels to a collector, and the translation of errors between gRPC and the one vocabulary.
// Never plain text: every channel is TLS against the fleet's own authority.
//
// Channels connect directly (no proxy from the environment), keep themselves alive so that a
// suspended or moved laptop notices, and accept messages of at most kMessageBytesMax. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/tls/credential.h"

namespace grpc {
class Channel;
class Status;
}  // namespace grpc

namespace candor {

// A sealed batch of 1 MiB and its frame; tables are sent in smaller parts.
constexpr int kMessageBytesMax = 4 << 20;

struct ChannelOptions {
  // Another name than the address's to expect in the server's certificate; empty: the address's.
  std::string server_name;
  // False: channels of this process with equal address and credential share one connection.
  bool own_connection = true;
};

// To the fleet listener, as the credential's owner. `address` empty: the credential's collector.
std::shared_ptr<grpc::Channel> FleetChannel(const std::string& address,
                                            const Credential& credential,
                                            const ChannelOptions& options = {});

// To the enrolment listener: the server is checked against `ca_pem`, the client shows nothing.
std::shared_ptr<grpc::Channel> EnrollmentChannel(const std::string& address,
                                                 const std::string& ca_pem,
                                                 const ChannelOptions& options = {});

// Connects now. Unavailable as soon as the first try failed, DeadlineExceeded after `timeout_ms`.
absl::Status Connect(grpc::Channel& channel, const std::string& address, int64_t timeout_ms);

absl::Status FromGrpc(const grpc::Status& status);
grpc::Status ToGrpc(const absl::Status& status);

// What keeps a connection from being made.
enum class ConnectionFault {
  kNone,              // nothing any more
  kUnreachable,       // no name, no way, nobody listening, no answer
  kServerNotTrusted,  // the server's certificate: authority, dates, host
  kClientExpired,     // the server says this side's certificate expired
  kClientRefused,     // the server closes the door on seeing this side's certificate
};

struct Diagnosis {
  ConnectionFault fault = ConnectionFault::kNone;
  std::string detail;  // one clear line that names what is wrong and where; empty for kNone
};

// Why gRPC cannot connect: a TLS connection by hand, its chain checked against the credential's
// authority, its door tried with the credential's certificate (none where that is empty).
Diagnosis DiagnoseConnection(const std::string& address, const Credential& credential,
                             int64_t now_ms, int64_t timeout_ms);

}  // namespace candor
