#include "collector/server/settings.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "candor/v1/ingest.pb.h"
#include "common/config.h"
#include "common/gateway_rule.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

constexpr size_t kNameBytesMax = 64;
constexpr size_t kHostBytesMax = 253;
constexpr size_t kPathBytesMax = 256;
constexpr size_t kExpectBytesMax = 64;

bool IsName(const std::string& text) {
  return !text.empty() && text.size() <= kNameBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

bool IsPrintable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

absl::Status ReadService(ConfigReader& table, CollectorSettings::Service& service) {
  table.Get("name", service.name);
  table.Get("host", service.host);
  table.Get("port", service.port, 1, 65'535);
  table.Get("tls", service.tls);
  table.Get("http_path", service.http_path);
  table.Get("icmp", service.icmp);
  table.Get("http_expect", service.http_expect);
  if (!IsName(service.name)) {
    return table.Error("name", "must be 1 to 64 letters, digits, '.', '_' or '-'");
  }
  if (service.host.empty() || service.host.size() > kHostBytesMax || !IsPrintable(service.host)) {
    return table.Error("host", "must be a host name or an address");
  }
  const std::string& path = service.http_path;
  if (!path.empty() && (path[0] != '/' || path.size() > kPathBytesMax || !IsPrintable(path))) {
    return table.Error("http_path", "must begin with '/' and be plain text of at most 256 bytes");
  }
  const std::string& expect = service.http_expect;
  if (expect.size() > kExpectBytesMax || (!expect.empty() && (service.tls || path.empty()))) {
    return table.Error("http_expect",
                       "needs tls = false and an http_path, and is at most 64 bytes of text");
  }
  return absl::OkStatus();
}

absl::Status ReadServices(ConfigReader& file, CollectorSettings& settings) {
  std::set<std::string> names;
  for (ConfigReader& table : file.Tables("service")) {
    CollectorSettings::Service service;
    CANDOR_RETURN_IF_ERROR(ReadService(table, service));
    if (!names.insert(service.name).second) {
      return table.Error("name", absl::StrCat("'", service.name, "' is there twice"));
    }
    if (names.size() > CollectorSettingLimits::kServicesMax) {
      return table.Error(
          "name", absl::StrCat("more than ", CollectorSettingLimits::kServicesMax, " services"));
    }
    settings.services.push_back(std::move(service));
  }
  return absl::OkStatus();
}

absl::Status ReadModels(ConfigReader& file, CollectorSettings& settings) {
  for (ConfigReader& table : file.Tables("model")) {
    CollectorSettings::Model model;
    std::string from;
    table.Get("from", from);
    table.Get("name", model.name);
    const absl::StatusOr<int64_t> day = ParseDay(from);
    if (!day.ok()) return table.Error("from", "must be a date like \"2026-01-01\"");
    model.from_day = *day;
    if (!IsName(model.name)) return table.Error("name", "must name a model");
    if (!settings.models.empty() && settings.models.back().from_day >= model.from_day) {
      return table.Error("from", "models must be in the order of their dates");
    }
    if (settings.models.size() >= CollectorSettingLimits::kModelsMax) {
      return table.Error("from", "too many models");
    }
    settings.models.push_back(std::move(model));
  }
  return absl::OkStatus();
}

absl::Status CheckFamilies(ConfigReader& file, const CollectorSettings& settings) {
  std::set<std::string_view> known = {"usage"};  // active minutes are no metric of their own
  for (const MetricEntry& entry : Metrics()) known.insert(entry.family);
  for (const EventEntry& entry : Events()) known.insert(entry.family);
  for (const std::string& family : settings.families_off) {
    if (!known.contains(family)) {
      return file.Error("families_off", absl::StrCat("there is no family '", family, "'"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckGateways(ConfigReader& file, const CollectorSettings& settings) {
  if (settings.office_gateways.size() > kGatewayRulesMax) {
    return file.Error("network.office_gateways",
                      absl::StrCat("at most ", kGatewayRulesMax, " gateways are known"));
  }
  for (const std::string& gateway : settings.office_gateways) {
    if (const auto rule = GatewayRule::Parse(gateway); !rule.ok()) {
      return file.Error("network.office_gateways", std::string(rule.status().message()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<CollectorSettings> Read(ConfigReader file) {
  CollectorSettings s;
  file.Get("data", s.data);
  file.Get("families_off", s.families_off);
  file.Get("listen.fleet", s.listen_fleet);
  file.Get("listen.enroll", s.listen_enroll);
  file.Get("listen.http", s.listen_http);
  file.Get("log.level", s.log_level);
  file.Get("push.active_s", s.push_active_s, 10, 86'400);
  file.Get("push.idle_s", s.push_idle_s, 10, 86'400);
  file.Get("tick.active_s", s.tick_active_s, 1, 60);
  file.Get("tick.idle_s", s.tick_idle_s, 1, 60);
  file.Get("days.seal_after", s.seal_after_days, 15, 400);
  file.Get("retention.log", s.log_days, 15, 800);
  file.Get("retention.facts", s.fact_days, 15, 800);
  file.Get("limits.pending_mib", s.pending_mib_max, 4, 4'096);
  file.Get("limits.streams", s.streams_max, 1, 100'000);
  file.Get("network.office_gateways", s.office_gateways);
  CANDOR_RETURN_IF_ERROR(CheckGateways(file, s));
  CANDOR_RETURN_IF_ERROR(ReadServices(file, s));
  CANDOR_RETURN_IF_ERROR(ReadModels(file, s));
  CANDOR_RETURN_IF_ERROR(CheckFamilies(file, s));
  CANDOR_RETURN_IF_ERROR(file.Finish());
  constexpr std::string_view kLevels[] = {"debug", "info", "warning", "error"};
  if (std::find(std::begin(kLevels), std::end(kLevels), s.log_level) == std::end(kLevels)) {
    return file.Error("log.level", "must be debug, info, warning or error");
  }
  // The log must outlive the day it can still change, or a rebuild would lose it.
  if (s.log_days < s.seal_after_days + 10) {
    return file.Error("retention.log", "must be at least ten days more than days.seal_after");
  }
  if (s.fact_days < s.seal_after_days) {
    return file.Error("retention.facts", "must be at least days.seal_after");
  }
  return s;
}

}  // namespace

absl::StatusOr<CollectorSettings> LoadCollectorSettings(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(ConfigReader file, ConfigReader::FromFile(path));
  return Read(std::move(file));
}

absl::StatusOr<CollectorSettings> ParseCollectorSettings(const std::string& text,
                                                         const std::string& name) {
  CANDOR_ASSIGN_OR_RETURN(ConfigReader file, ConfigReader::FromText(text, name));
  return Read(std::move(file));
}

v1::Configuration ConfigurationFor(const CollectorSettings& settings) {
  v1::Configuration configuration;
  configuration.set_push_active_s(static_cast<uint32_t>(settings.push_active_s));
  configuration.set_push_idle_s(static_cast<uint32_t>(settings.push_idle_s));
  configuration.set_tick_active_s(static_cast<uint32_t>(settings.tick_active_s));
  configuration.set_tick_idle_s(static_cast<uint32_t>(settings.tick_idle_s));
  for (const CollectorSettings::Service& service : settings.services) {
    v1::Configuration::Service& told = *configuration.add_services();
    told.set_name(service.name);
    told.set_host(service.host);
    told.set_port(static_cast<uint32_t>(service.port));
    told.set_tls(service.tls);
    told.set_http_path(service.http_path);
    told.set_icmp(service.icmp);
    told.set_http_expect(service.http_expect);
  }
  for (const std::string& family : settings.families_off) configuration.add_families_off(family);
  for (const std::string& gateway : settings.office_gateways) {
    configuration.add_office_gateways(gateway);
  }
  return configuration;
}

}  // namespace candor
