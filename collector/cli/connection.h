// Which collector `candor` talks to, and as whom: --collector and --credential, then
// CANDOR_COLLECTOR and CANDOR_CREDENTIAL, then ~/.config/candor/cli.toml (or XDG_CONFIG_HOME's).
// A credential file names its collector, which the others override.
//
// cli.toml is a credential file itself, or points to one:  credential = "/path/to/admin.toml"
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/tls/credential.h"

namespace candor {

// The environment, handed in so that tests need not change their own. Nothing for an unset name.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> SystemEnvironment(const std::string& name);

struct ConnectionFlags {
  std::string collector;
  std::string credential;
};

// NotFound says what to do where there is no credential; errors about a file name file, line, key.
absl::StatusOr<Credential> FindConnection(const ConnectionFlags& flags, const Environment& env);

}  // namespace candor
