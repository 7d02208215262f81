// Who is at the other end of a gRPC call. Any thread, during the call.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/tls/identity.h"

namespace grpc {
class ServerContextBase;
}

namespace candor {

// From the certificate that the TLS handshake verified. Unauthenticated when there is none, or when
// it names no identity of Candor.
absl::StatusOr<Identity> PeerIdentity(const grpc::ServerContextBase& context);

// PeerIdentity, then AuthorizeCall (roles.h): PermissionDenied "wrong role: …".
absl::StatusOr<Identity> AuthorizePeer(const grpc::ServerContextBase& context,
                                       std::string_view rpc);

// The address without its port: "192.0.2.7", "2001:db8::1"; "unknown" for anything else.
std::string PeerAddress(const grpc::ServerContextBase& context);
// The same for gRPC's spelling: "ipv4:192.0.2.7:4711", "ipv6:%5B2001:db8::1%5D:4711".
std::string AddressOfPeer(std::string_view peer);

}  // namespace candor
