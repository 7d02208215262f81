#include "agent/daemon/settings.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/samplers/support/clean_text.h"
#include "common/config.h"
#include "common/gateway_rule.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kServicesMax = 32;
constexpr size_t kServiceNameBytesMax = 64;
constexpr size_t kHostBytesMax = 253;
constexpr size_t kHttpPathBytesMax = 256;
constexpr size_t kHttpExpectBytesMax = 64;

void GetOptional(ConfigReader& reader, std::string_view key, std::optional<int64_t>& out,
                 int64_t min, int64_t max) {
  if (!reader.Has(key)) return;
  int64_t value = min;
  reader.Get(key, value, min, max);
  out = value;
}

absl::Status ReadServices(ConfigReader& reader, std::vector<ProbedService>& services) {
  std::set<std::string> names;
  for (ConfigReader& table : reader.Tables("service")) {
    ProbedService service;
    int64_t port = 443;
    table.Get("name", service.name);
    table.Get("host", service.host);
    table.Get("port", port, 1, 65'535);
    table.Get("tls", service.tls);
    table.Get("http_path", service.http_path);
    table.Get("icmp", service.icmp);
    table.Get("http_expect", service.http_expect);
    service.port = static_cast<uint16_t>(port);
    // A value out of its range is named before what the rules below make of its absence.
    CANDOR_RETURN_IF_ERROR(table.Finish());
    if (absl::Status status = CheckService(service); !status.ok()) {
      return table.Error("name", std::string(status.message()));
    }
    if (!names.insert(service.name).second)
      return table.Error("name", "this service is named twice");
    services.push_back(std::move(service));
  }
  if (services.size() > kServicesMax) {
    return reader.Error("service", absl::StrCat("at most ", kServicesMax, " services are probed"));
  }
  return absl::OkStatus();
}

absl::Status CheckFamilies(const ConfigReader& reader, const std::vector<std::string>& families) {
  const auto& known = SamplerFamilies();
  for (const std::string& family : families) {
    if (std::find(known.begin(), known.end(), family) == known.end()) {
      return reader.Error("families_off", absl::StrCat("there is no family \"", family, "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckGateways(const ConfigReader& reader, std::string_view key,
                           const std::vector<std::string>& gateways) {
  if (gateways.size() > kGatewayRulesMax) {
    return reader.Error(key, absl::StrCat("at most ", kGatewayRulesMax, " gateways are known"));
  }
  for (const std::string& gateway : gateways) {
    if (const auto rule = GatewayRule::Parse(gateway); !rule.ok()) {
      return reader.Error(key, std::string(rule.status().message()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLogLevel(const ConfigReader& reader, const std::string& level) {
  for (const char* known : {"debug", "info", "warning", "error"}) {
    if (level == known) return absl::OkStatus();
  }
  return reader.Error("log_level", "debug, info, warning or error is expected");
}

absl::StatusOr<AgentSettings> Read(ConfigReader& reader) {
  AgentSettings settings;
  reader.Get("state", settings.state);
  reader.Get("log_level", settings.log_level);
  reader.Get("families_off", settings.families_off);
  GetOptional(reader, "push.active_s", settings.push_active_s, 1, 86'400);
  GetOptional(reader, "push.idle_s", settings.push_idle_s, 1, 86'400);
  GetOptional(reader, "tick.active_s", settings.tick_active_s, 1, 60);
  GetOptional(reader, "tick.idle_s", settings.tick_idle_s, 1, 60);
  reader.Get("spool.size_mib", settings.spool_mib, 1, 65'536);
  reader.Get("spool.age_days", settings.spool_days, 1, 365);
  reader.Get("spool.ledger_mib", settings.ledger_mib, 1, 65'536);
  reader.Get("spool.ledger_days", settings.ledger_days, 1, 365);
  reader.Get("uplink.program", settings.uplink_program);
  reader.Get("uplink.socket", settings.uplink_socket);
  reader.Get("uplink.state", settings.uplink_state);
  reader.Get("network.dns_servers", settings.dns_servers);
  reader.Get("network.office_gateways", settings.gateways.office);
  reader.Get("network.home_gateways", settings.gateways.home);
  CANDOR_RETURN_IF_ERROR(
      CheckGateways(reader, "network.office_gateways", settings.gateways.office));
  CANDOR_RETURN_IF_ERROR(CheckGateways(reader, "network.home_gateways", settings.gateways.home));
  CANDOR_RETURN_IF_ERROR(CheckLogLevel(reader, settings.log_level));
  CANDOR_RETURN_IF_ERROR(CheckFamilies(reader, settings.families_off));
  CANDOR_RETURN_IF_ERROR(ReadServices(reader, settings.services));
  CANDOR_RETURN_IF_ERROR(reader.Finish());
  return settings;
}

}  // namespace

std::string AgentSettings::uplink_folder() const {
  if (!uplink_state.empty()) return uplink_state;
  return state == kDefaultState ? kDefaultUplinkState : state;
}

absl::StatusOr<AgentSettings> LoadSettings(const std::string& path) {
  auto reader = ConfigReader::FromFile(path.empty() ? kDefaultConfigPath : path);
  if (path.empty() && absl::IsNotFound(reader.status())) return AgentSettings{};
  CANDOR_RETURN_IF_ERROR(reader.status());
  return Read(*reader);
}

std::vector<std::string> KeysThatNeedRestart(const AgentSettings& running,
                                             const AgentSettings& wanted) {
  const std::pair<const char*, bool> keys[] = {
      {"state", running.state != wanted.state},
      {"spool.size_mib", running.spool_mib != wanted.spool_mib},
      {"spool.age_days", running.spool_days != wanted.spool_days},
      {"spool.ledger_mib", running.ledger_mib != wanted.ledger_mib},
      {"spool.ledger_days", running.ledger_days != wanted.ledger_days},
      {"uplink.program", running.uplink_program != wanted.uplink_program},
      {"uplink.socket", running.uplink_socket != wanted.uplink_socket},
      {"uplink.state", running.uplink_state != wanted.uplink_state},
      {"network.dns_servers", running.dns_servers != wanted.dns_servers},
  };
  std::vector<std::string> changed;
  for (const auto& [key, differs] : keys) {
    if (differs) changed.emplace_back(key);
  }
  return changed;
}

const std::vector<std::string>& SamplerFamilies() {
  static const std::vector<std::string> families = {
      "boot", "crash", "network", "health", "software", "responsiveness", "usage"};
  return families;
}

absl::Status CheckService(const ProbedService& service) {
  if (service.name.empty() || CleanText(service.name, kServiceNameBytesMax) != service.name) {
    return absl::InvalidArgumentError(
        absl::StrCat("a service needs a name of at most ", kServiceNameBytesMax, " characters"));
  }
  const bool odd_host = service.host.find_first_of(" \t\r\n/@") != std::string::npos;
  if (service.host.empty() || service.host.size() > kHostBytesMax || odd_host ||
      service.port == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("service \"", service.name, "\" needs a host name and a port"));
  }
  const std::string& path = service.http_path;
  const bool odd_path = path.find_first_of(" \t\r\n") != std::string::npos;
  if (!path.empty() && (path.front() != '/' || path.size() > kHttpPathBytesMax || odd_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("service \"", service.name, "\" has a path that is none"));
  }
  const std::string& expect = service.http_expect;
  if (!expect.empty() && (service.tls || path.empty() || expect.size() > kHttpExpectBytesMax)) {
    return absl::InvalidArgumentError(
        absl::StrCat("service \"", service.name, "\" expects an answer: that needs tls = false, a ",
                     "path, and at most ", kHttpExpectBytesMax, " bytes of text"));
  }
  return absl::OkStatus();
}

}  // namespace candor
