#include "collector/identity/roles.h"

#include <array>
#include <string>

namespace candor {
namespace {

constexpr unsigned Bit(Role role) { return 1U << static_cast<unsigned>(role); }

constexpr unsigned kAgents = Bit(Role::kAgent);
constexpr unsigned kAdministrators = Bit(Role::kItAdmin);
constexpr unsigned kIt = Bit(Role::kItAdmin) | Bit(Role::kItRead);

struct Rule {
  std::string_view rpc;
  unsigned roles;
};

constexpr std::array<Rule, 6> kRules = {{
    {rpc::kIngestStream, kAgents},
    {rpc::kQueryRun, kIt},
    {rpc::kAdminCreateToken, kAdministrators},
    {rpc::kAdminListTokens, kAdministrators},
    {rpc::kAdminRevokeToken, kAdministrators},
    {rpc::kAdminRevokeDevice, kAdministrators},
}};

}  // namespace

absl::Status AuthorizeCall(const Identity& identity, std::string_view rpc) {
  for (const Rule& rule : kRules) {
    if (rule.rpc == rpc && (rule.roles & Bit(identity.role)) != 0) return absl::OkStatus();
  }
  return absl::PermissionDeniedError(std::string("wrong role: ")
                                         .append(RoleName(identity.role))
                                         .append(" may not call ")
                                         .append(rpc));
}

}  // namespace candor
