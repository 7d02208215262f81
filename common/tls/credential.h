// A credential file: who to talk to, and as whom. `admin.toml`, `cli.toml` and the laptop's
// identity begin with the same four keys:
//
//   collector   = "HOST:PORT"
//   ca          = '''PEM'''      the one authority trusted
//   certificate = '''PEM'''
//   key         = '''PEM'''
//
// The file holds a private key: one that group or others may read is refused. Pure functions.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

struct Credential {
  std::string collector;
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
};

// Parsed and checked: the certificate belongs to the key, everything is present. Errors name file
// and key. Dates are not checked here.
absl::StatusOr<Credential> LoadCredential(const std::string& path);
absl::Status CheckCredential(const Credential& credential);

// 0600, atomically. The lines of `comment` begin the file, each after a '#'.
absl::Status SaveCredential(const std::string& path, const Credential& credential,
                            const std::string& comment);

// The value as TOML: a multi-line literal for PEM, an escaped basic string for anything else.
std::string TomlString(const std::string& value);

}  // namespace candor
