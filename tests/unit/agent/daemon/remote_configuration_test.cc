#include "agent/daemon/remote_configuration.h"

#include <fstream>

#include "candor/v1/ingest.pb.h"
#include "common/gateway_rule.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

v1::Configuration Sealed(v1::Configuration configuration) {
  configuration.set_hash(ConfigurationHash(configuration));
  return configuration;
}

v1::Configuration::Service* AddService(v1::Configuration& configuration, const std::string& name) {
  auto* service = configuration.add_services();
  service->set_name(name);
  service->set_host(name + ".example.org");
  service->set_port(443);
  service->set_tls(true);
  return service;
}

struct ConfiguredAgent {
  ConfiguredAgent() { settings.state = folder.path(); }
  testing::TempFolder folder;
  AgentSettings settings;
};

TEST_CASE("without a word from the collector the defaults hold") {
  ConfiguredAgent f;
  REQUIRE(RemoteConfiguration(f.settings).effective() == EffectiveConfiguration());
}

TEST_CASE("a configuration is in force at once and after a restart") {
  ConfiguredAgent f;
  v1::Configuration asked;
  asked.set_push_active_s(120);
  asked.set_tick_idle_s(30);
  asked.set_watched(true);
  asked.add_families_off("usage");
  AddService(asked, "mail");
  RemoteConfiguration configuration(f.settings);
  REQUIRE_OK(configuration.Apply(Sealed(asked)));
  for (const auto& effective :
       {configuration.effective(), RemoteConfiguration(f.settings).effective()}) {
    REQUIRE(effective.push_active_s == 120);
    REQUIRE(effective.push_idle_s == 900);
    REQUIRE(effective.tick_idle_s == 30);
    REQUIRE(effective.watched);
    REQUIRE(effective.families_off == std::set<std::string>{"usage"});
    REQUIRE(effective.services.size() == 1);
    REQUIRE(effective.services[0].host == "mail.example.org");
    REQUIRE(effective.hash == Sealed(asked).hash());
  }
}

TEST_CASE("the collector adds to the operator's gateways, and never names a home") {
  ConfiguredAgent f;
  f.settings.gateways = {.office = {"10.20.0.1"}, .home = {"192.168.2.1"}};
  v1::Configuration asked;
  asked.add_office_gateways("10.30.0.0/16");
  asked.add_office_gateways("everywhere");
  for (size_t i = 0; i < 2 * kGatewayRulesMax; ++i) asked.add_office_gateways("10.40.0.1");
  RemoteConfiguration configuration(f.settings);
  REQUIRE_OK(configuration.Apply(Sealed(asked)));
  const KnownGateways& known = configuration.effective().gateways;
  REQUIRE(known.office.size() == kGatewayRulesMax);
  REQUIRE(known.office[0] == "10.20.0.1");
  REQUIRE(known.office[1] == "10.30.0.0/16");
  REQUIRE(known.office[2] == "10.40.0.1");
  REQUIRE(known.home == std::vector<std::string>{"192.168.2.1"});
}

TEST_CASE("what does not have its hash changes nothing") {
  ConfiguredAgent f;
  v1::Configuration asked;
  asked.set_push_active_s(120);
  asked = Sealed(asked);
  asked.set_push_active_s(60);
  RemoteConfiguration configuration(f.settings);
  REQUIRE(absl::IsInvalidArgument(configuration.Apply(asked)));
  REQUIRE(configuration.effective() == EffectiveConfiguration());
}

TEST_CASE("a damaged file counts as none") {
  ConfiguredAgent f;
  RemoteConfiguration configuration(f.settings);
  v1::Configuration asked;
  asked.set_push_active_s(120);
  REQUIRE_OK(configuration.Apply(Sealed(asked)));
  std::ofstream(f.settings.configuration_path(), std::ios::binary) << "\x12garbage";
  REQUIRE(RemoteConfiguration(f.settings).effective() == EffectiveConfiguration());
}

TEST_CASE("a collector cannot leave the limits that are compiled in") {
  ConfiguredAgent f;
  v1::Configuration greedy;
  greedy.set_push_active_s(1);
  greedy.set_push_idle_s(1);
  greedy.set_tick_active_s(1);
  greedy.set_tick_idle_s(1);
  for (int i = 0; i < 100; ++i) AddService(greedy, "s" + std::to_string(i));
  RemoteConfiguration configuration(f.settings);
  REQUIRE_OK(configuration.Apply(Sealed(greedy)));
  REQUIRE(configuration.effective().push_active_s == CadenceLimits::kPushActiveMinS);
  REQUIRE(configuration.effective().push_idle_s == CadenceLimits::kPushIdleMinS);
  REQUIRE(configuration.effective().tick_active_s == CadenceLimits::kTickActiveMinS);
  REQUIRE(configuration.effective().tick_idle_s == CadenceLimits::kTickIdleMinS);
  REQUIRE(configuration.effective().services.size() == CadenceLimits::kServicesMax);

  v1::Configuration lazy;
  lazy.set_push_active_s(UINT32_MAX);
  lazy.set_push_idle_s(UINT32_MAX);
  lazy.set_tick_active_s(UINT32_MAX);
  lazy.set_tick_idle_s(UINT32_MAX);
  REQUIRE_OK(configuration.Apply(Sealed(lazy)));
  REQUIRE(configuration.effective().push_active_s == CadenceLimits::kPushActiveMaxS);
  REQUIRE(configuration.effective().push_idle_s == CadenceLimits::kPushIdleMaxS);
  REQUIRE(configuration.effective().tick_active_s == CadenceLimits::kTickMaxS);
  REQUIRE(configuration.effective().tick_idle_s == CadenceLimits::kTickMaxS);
}

TEST_CASE("services that are none are left out") {
  ConfiguredAgent f;
  v1::Configuration asked;
  AddService(asked, "good");
  AddService(asked, "");
  AddService(asked, "port")->set_port(70'000);
  AddService(asked, "host")->set_host("a host");
  AddService(asked, "path")->set_http_path("relative");
  AddService(asked, "good")->set_host("second.example.org");
  RemoteConfiguration configuration(f.settings);
  REQUIRE_OK(configuration.Apply(Sealed(asked)));
  REQUIRE(configuration.effective().services.size() == 1);
  REQUIRE(configuration.effective().services[0].host == "good.example.org");
}

TEST_CASE("the laptop's own file wins") {
  ConfiguredAgent f;
  f.settings.push_active_s = 7;
  f.settings.families_off = {"network"};
  ProbedService own;
  own.name = "mail";
  own.host = "own.example.org";
  f.settings.services.push_back(own);
  v1::Configuration asked;
  asked.set_push_active_s(600);
  AddService(asked, "mail");
  AddService(asked, "wiki");
  RemoteConfiguration configuration(f.settings);
  REQUIRE_OK(configuration.Apply(Sealed(asked)));
  REQUIRE(configuration.effective().push_active_s == 7);
  REQUIRE(configuration.effective().families_off == std::set<std::string>{"network"});
  REQUIRE(configuration.effective().services.size() == 2);
  REQUIRE(configuration.effective().services[0].host == "own.example.org");

  SECTION("and is followed when it changes") {
    AgentSettings changed = f.settings;
    changed.push_active_s.reset();
    changed.families_off.clear();
    configuration.SetLocal(changed);
    REQUIRE(configuration.effective().push_active_s == 600);
    REQUIRE(configuration.effective().families_off.empty());
  }
}

}  // namespace
}  // namespace candor
