#include "collector/cli/connection.h"

#include <cstdlib>

#include "collector/query/text.h"
#include "common/config.h"
#include "common/files.h"
#include "common/status.h"
#include "common/tls/connection.h"

namespace candor {
namespace {

std::string ConfigPath(const Environment& env) {
  const std::optional<std::string> config = env("XDG_CONFIG_HOME");
  if (config && !config->empty()) return *config + "/candor/cli.toml";
  const std::optional<std::string> home = env("HOME");
  return home && !home->empty() ? *home + "/.config/candor/cli.toml" : "";
}

// What cli.toml says where it is no credential itself.
struct Pointer {
  std::string collector;
  std::string credential;
};

absl::StatusOr<Pointer> LoadPointer(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(ConfigReader reader, ConfigReader::FromFile(path));
  Pointer pointer;
  if (reader.Has("key") || reader.Has("certificate")) return pointer;
  reader.Get("collector", pointer.collector);
  reader.Get("credential", pointer.credential);
  CANDOR_RETURN_IF_ERROR(reader.Finish());
  if (pointer.credential.empty()) return reader.Error("credential", "is missing");
  return pointer;
}

absl::StatusOr<Credential> LoadFromConfig(const std::string& path, std::string& collector) {
  absl::StatusOr<Pointer> pointer = LoadPointer(path);
  if (!pointer.ok()) return pointer.status();
  if (collector.empty()) collector = pointer->collector;
  return LoadCredential(pointer->credential.empty() ? path : pointer->credential);
}

absl::Status NoCredential(const std::string& config) {
  return absl::NotFoundError(
      Concat("no credential: give --credential FILE, set CANDOR_CREDENTIAL, or make ",
             config.empty() ? "~/.config/candor/cli.toml" : config,
             " ('candor-collector init' writes the first one, admin.toml)"));
}

}  // namespace

std::optional<std::string> SystemEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::StatusOr<Credential> FindConnection(const ConnectionFlags& flags, const Environment& env) {
  std::string collector =
      flags.collector.empty() ? env("CANDOR_COLLECTOR").value_or("") : flags.collector;
  const std::string file =
      flags.credential.empty() ? env("CANDOR_CREDENTIAL").value_or("") : flags.credential;
  absl::StatusOr<Credential> credential = absl::NotFoundError("");
  if (!file.empty()) {
    credential = LoadCredential(file);
  } else {
    const std::string config = ConfigPath(env);
    if (config.empty()) return NoCredential(config);
    credential = LoadFromConfig(config, collector);
    if (absl::IsNotFound(credential.status()) && !ReadFile(config).ok())
      return NoCredential(config);
  }
  CANDOR_RETURN_IF_ERROR(credential.status());
  if (!collector.empty()) {
    const absl::StatusOr<HostPort> address = ParseHostPort(collector);
    if (!address.ok()) return Prefix(address.status(), "the collector's address");
    credential->collector = collector;
  }
  return credential;
}

}  // namespace candor
