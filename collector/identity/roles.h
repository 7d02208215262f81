// Who may call what, in one table. Pure functions, any thread.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "common/tls/identity.h"

namespace candor {

// RPCs by their full names, as gRPC spells them without the first slash.
namespace rpc {
constexpr std::string_view kIngestStream = "candor.v1.Ingest/Stream";
constexpr std::string_view kQueryRun = "candor.v1.Query/Run";
constexpr std::string_view kAdminCreateToken = "candor.v1.Admin/CreateToken";
constexpr std::string_view kAdminListTokens = "candor.v1.Admin/ListTokens";
constexpr std::string_view kAdminRevokeToken = "candor.v1.Admin/RevokeToken";
constexpr std::string_view kAdminRevokeDevice = "candor.v1.Admin/RevokeDevice";
}  // namespace rpc

// PermissionDenied "wrong role: …" unless the table lets this role call it. An RPC that is not in
// the table is nobody's.
absl::Status AuthorizeCall(const Identity& identity, std::string_view rpc);

}  // namespace candor
