#include "agent/daemon/remote_configuration.h"

#include <algorithm>

#include "candor/v1/ingest.pb.h"
#include "common/files.h"
#include "common/gateway_rule.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kStoredBytesMax = 256 << 10;

// `asked` is 0 where the collector leaves it open.
int64_t Choose(const std::optional<int64_t>& own, uint32_t asked, int64_t standard, int64_t min,
               int64_t max) {
  if (own) return *own;
  if (asked == 0) return standard;
  return std::clamp<int64_t>(asked, min, max);
}

ProbedService ToService(const v1::Configuration::Service& service) {
  ProbedService probed;
  probed.name = service.name();
  probed.host = service.host();
  probed.port = service.port() > 65'535 ? uint16_t{0} : static_cast<uint16_t>(service.port());
  probed.tls = service.tls();
  probed.http_path = service.http_path();
  probed.icmp = service.icmp();
  probed.http_expect = service.http_expect();
  return probed;
}

std::vector<ProbedService> MergeServices(const std::vector<ProbedService>& own,
                                         const v1::Configuration& configuration) {
  std::vector<ProbedService> services = own;
  for (const auto& asked : configuration.services()) {
    if (services.size() == CadenceLimits::kServicesMax) break;
    ProbedService service = ToService(asked);
    const bool known = std::any_of(services.begin(), services.end(),
                                   [&](const auto& other) { return other.name == service.name; });
    if (!known && CheckService(service).ok()) services.push_back(std::move(service));
  }
  return services;
}

}  // namespace

std::string ConfigurationHash(const v1::Configuration& configuration) {
  v1::Configuration bare = configuration;
  bare.clear_hash();
  return Sha256(bare.SerializeAsString());
}

RemoteConfiguration::RemoteConfiguration(const AgentSettings& settings) : settings_(settings) {
  v1::Configuration configuration;
  const auto stored = ReadFile(settings_.configuration_path(), kStoredBytesMax);
  if (stored.ok() && configuration.ParseFromString(*stored) &&
      ConfigurationHash(configuration) == configuration.hash()) {
    stored_ = *stored;
  } else {
    configuration.Clear();
    if (absl::IsPermissionDenied(stored.status())) {
      LogWarning(
          "what the collector configured may not be read by this user: only the services of the "
          "laptop's own file are known",
          {{"file", settings_.configuration_path()}});
    } else if (!absl::IsNotFound(stored.status())) {
      LogWarning("the stored configuration cannot be used; the collector will send it again",
                 {{"file", settings_.configuration_path()}});
    }
  }
  Merge(configuration);
}

absl::Status RemoteConfiguration::Apply(const v1::Configuration& configuration) {
  if (ConfigurationHash(configuration) != configuration.hash()) {
    return absl::InvalidArgumentError("the collector's configuration does not have its hash");
  }
  std::string bytes = configuration.SerializeAsString();
  if (bytes.size() > kStoredBytesMax) {
    return absl::InvalidArgumentError("the collector's configuration is too large");
  }
  Merge(configuration);
  if (bytes == stored_) return absl::OkStatus();
  stored_ = std::move(bytes);
  return WriteFileAtomically(settings_.configuration_path(), stored_, 0600);
}

void RemoteConfiguration::SetLocal(const AgentSettings& settings) {
  settings_ = settings;
  v1::Configuration configuration;
  configuration.ParseFromString(stored_);
  Merge(configuration);
}

void RemoteConfiguration::Merge(const v1::Configuration& configuration) {
  using L = CadenceLimits;
  const EffectiveConfiguration standard;
  EffectiveConfiguration next;
  next.push_active_s = Choose(settings_.push_active_s, configuration.push_active_s(),
                              standard.push_active_s, L::kPushActiveMinS, L::kPushActiveMaxS);
  next.push_idle_s = Choose(settings_.push_idle_s, configuration.push_idle_s(),
                            standard.push_idle_s, L::kPushIdleMinS, L::kPushIdleMaxS);
  next.tick_active_s = Choose(settings_.tick_active_s, configuration.tick_active_s(),
                              standard.tick_active_s, L::kTickActiveMinS, L::kTickMaxS);
  next.tick_idle_s = Choose(settings_.tick_idle_s, configuration.tick_idle_s(),
                            standard.tick_idle_s, L::kTickIdleMinS, L::kTickMaxS);
  next.watched = configuration.watched();
  next.services = MergeServices(settings_.services, configuration);
  next.gateways = settings_.gateways;
  for (const std::string& gateway : configuration.office_gateways()) {
    const bool valid = GatewayRule::Parse(gateway).ok();
    if (valid && next.gateways.office.size() < kGatewayRulesMax) {
      next.gateways.office.push_back(gateway);
    }
  }
  next.families_off.insert(settings_.families_off.begin(), settings_.families_off.end());
  next.families_off.insert(configuration.families_off().begin(),
                           configuration.families_off().end());
  next.hash = configuration.hash();
  effective_ = std::move(next);
}

}  // namespace candor
