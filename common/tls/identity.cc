#include "common/tls/identity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/status.h"

namespace candor {
namespace {

constexpr std::string_view kDevicePrefix = "urn:candor:device:";
constexpr std::string_view kRolePrefix = "urn:candor:role:";
constexpr size_t kNameMax = 64;

constexpr std::array<std::pair<Role, std::string_view>, 4> kRoles = {{
    {Role::kAgent, "agent"},
    {Role::kItAdmin, "it-admin"},
    {Role::kItRead, "it-read"},
    {Role::kHr, "hr"},
}};

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

absl::Status NoIdentity(std::string_view uri) {
  return absl::InvalidArgumentError("not an identity of Candor: " +
                                    std::string(uri.substr(0, 128)));
}

}  // namespace

std::string_view RoleName(Role role) {
  for (const auto& [known, name] : kRoles) {
    if (known == role) return name;
  }
  return "unknown";
}

absl::StatusOr<Role> ParseRole(std::string_view name) {
  for (const auto& [role, known] : kRoles) {
    if (known == name) return role;
  }
  return absl::InvalidArgumentError("unknown role " + std::string(name.substr(0, 32)) +
                                    " (it-admin, it-read, hr)");
}

std::string Identity::Uri() const {
  if (role == Role::kAgent) return std::string(kDevicePrefix) + name;
  return std::string(kRolePrefix).append(RoleName(role)).append(":").append(name);
}

std::string Identity::Text() const { return std::string(RoleName(role)) + ":" + name; }

absl::StatusOr<Identity> ParseIdentity(std::string_view uri) {
  if (uri.starts_with(kDevicePrefix)) {
    const std::string_view id = uri.substr(kDevicePrefix.size());
    if (!IsUuid(id)) return NoIdentity(uri);
    return Identity{Role::kAgent, std::string(id)};
  }
  if (!uri.starts_with(kRolePrefix)) return NoIdentity(uri);
  const std::string_view rest = uri.substr(kRolePrefix.size());
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return NoIdentity(uri);
  const absl::StatusOr<Role> role = ParseRole(rest.substr(0, colon));
  const std::string_view name = rest.substr(colon + 1);
  // A device says what it is with the other form only.
  if (!role.ok() || *role == Role::kAgent || !IsName(name)) return NoIdentity(uri);
  return Identity{*role, std::string(name)};
}

absl::StatusOr<Identity> IdentityOf(const std::vector<std::string>& uris) {
  if (uris.size() != 1) {
    return absl::UnauthenticatedError("the certificate names " + std::to_string(uris.size()) +
                                      " identities instead of one");
  }
  absl::StatusOr<Identity> identity = ParseIdentity(uris.front());
  if (!identity.ok()) return absl::UnauthenticatedError(identity.status().message());
  return identity;
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !digit) return false;
  }
  return true;
}

}  // namespace candor
