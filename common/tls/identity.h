// Who somebody is, by the one URI in the certificate's subject alternative names:
//   urn:candor:device:<uuid>                          a laptop (role agent)
//   urn:candor:role:<it-admin|it-read|hr>:<name>      a person or a program that asks questions
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace candor {

enum class Role { kAgent, kItAdmin, kItRead, kHr };

// agent, it-admin, it-read, hr
std::string_view RoleName(Role role);
// InvalidArgument for anything else.
absl::StatusOr<Role> ParseRole(std::string_view name);

struct Identity {
  Role role = Role::kAgent;
  std::string name;  // a device's id, a person's name

  std::string Uri() const;
  // "it-admin:alice": for logs and the audit.
  std::string Text() const;
  bool operator==(const Identity&) const = default;
};

// InvalidArgument when it is none of the two forms; names are [a-z0-9._-], 1 to 64 characters.
absl::StatusOr<Identity> ParseIdentity(std::string_view uri);

// The identity among a certificate's URIs. Unauthenticated unless there is exactly one.
absl::StatusOr<Identity> IdentityOf(const std::vector<std::string>& uris);

// 8-4-4-4-12 lower-case hexadecimal digits.
bool IsUuid(std::string_view text);

}  // namespace candor
