#include "collector/identity/peer.h"

#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <memory>
#include <vector>

#include "collector/identity/roles.h"
#include "common/status.h"

namespace candor {

absl::StatusOr<Identity> PeerIdentity(const grpc::ServerContextBase& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) {
    return absl::UnauthenticatedError("no client certificate");
  }
  std::vector<std::string> uris;
  for (const grpc::string_ref& uri : auth->FindPropertyValues("peer_uri")) {
    uris.emplace_back(uri.data(), uri.size());
  }
  return IdentityOf(uris);
}

absl::StatusOr<Identity> AuthorizePeer(const grpc::ServerContextBase& context,
                                       std::string_view rpc) {
  CANDOR_ASSIGN_OR_RETURN(Identity identity, PeerIdentity(context));
  CANDOR_RETURN_IF_ERROR(AuthorizeCall(identity, rpc));
  return identity;
}

std::string PeerAddress(const grpc::ServerContextBase& context) {
  return AddressOfPeer(context.peer());
}

std::string AddressOfPeer(std::string_view peer) {
  constexpr std::string_view kV4 = "ipv4:";
  constexpr std::string_view kV6 = "ipv6:";
  const size_t port = peer.rfind(':');
  if (port == std::string_view::npos || port < kV4.size()) return "unknown";
  std::string_view address = peer.substr(kV4.size(), port - kV4.size());
  if (peer.starts_with(kV4)) return std::string(address);
  if (!peer.starts_with(kV6)) return "unknown";
  for (const std::string_view open : {"%5B", "["}) {
    if (address.starts_with(open)) address.remove_prefix(open.size());
  }
  for (const std::string_view close : {"%5D", "]"}) {
    if (address.ends_with(close)) address.remove_suffix(close.size());
  }
  return std::string(address);
}

}  // namespace candor
