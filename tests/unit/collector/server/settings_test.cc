#include "collector/server/settings.h"

#include <fstream>

#include "candor/v1/ingest.pb.h"
#include "common/time_text.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

TEST_CASE("an empty file gives the defaults") {
  auto settings = ParseCollectorSettings("", "f.toml");
  REQUIRE_OK(settings);
  REQUIRE(settings->listen_fleet == "0.0.0.0:7443");
  REQUIRE(settings->listen_enroll == "0.0.0.0:7444");
  REQUIRE(settings->listen_http == "127.0.0.1:7480");
  REQUIRE(settings->seal_after_days == 35);
  REQUIRE(settings->log_days == 45);
  REQUIRE(settings->fact_days == 90);
  REQUIRE(settings->services.empty());
}

TEST_CASE("every documented key is read") {
  auto settings = ParseCollectorSettings(R"(
data = "/data"
families_off = ["usage"]
[listen]
fleet = "127.0.0.1:1"
enroll = "127.0.0.1:2"
http = "127.0.0.1:3"
[log]
level = "debug"
[push]
active_s = 60
idle_s = 120
[tick]
active_s = 5
idle_s = 30
[days]
seal_after = 20
[retention]
log = 40
facts = 70
[limits]
pending_mib = 8
streams = 100
[network]
office_gateways = ["10.20.0.0/16", "02:11:22:33:44:55"]
[[service]]
name = "mail"
host = "mail.example.org"
port = 993
tls = false
http_path = "/x"
icmp = true
http_expect = "here"
[[service]]
name = "wiki"
host = "wiki.example.org"
[[model]]
from = "2020-01-01"
name = "candor-1"
[[model]]
from = "2026-07-01"
name = "own"
)",
                                         "f.toml");
  REQUIRE_OK(settings);
  REQUIRE(settings->data == "/data");
  REQUIRE(settings->families_off == std::vector<std::string>{"usage"});
  REQUIRE(settings->listen_fleet == "127.0.0.1:1");
  REQUIRE(settings->listen_enroll == "127.0.0.1:2");
  REQUIRE(settings->listen_http == "127.0.0.1:3");
  REQUIRE(settings->log_level == "debug");
  REQUIRE(settings->push_active_s == 60);
  REQUIRE(settings->push_idle_s == 120);
  REQUIRE(settings->tick_active_s == 5);
  REQUIRE(settings->tick_idle_s == 30);
  REQUIRE(settings->seal_after_days == 20);
  REQUIRE(settings->log_days == 40);
  REQUIRE(settings->fact_days == 70);
  REQUIRE(settings->pending_mib_max == 8);
  REQUIRE(settings->streams_max == 100);
  REQUIRE(settings->services.size() == 2);
  REQUIRE(settings->services[0] ==
          CollectorSettings::Service{"mail", "mail.example.org", 993, false, "/x", true, "here"});
  REQUIRE(ConfigurationFor(*settings).office_gateways_size() == 2);
  REQUIRE(ConfigurationFor(*settings).office_gateways(1) == "02:11:22:33:44:55");
  REQUIRE(ConfigurationFor(*settings).services(0).http_expect() == "here");
  REQUIRE(settings->services[1].port == 443);
  REQUIRE(settings->services[1].tls);
  REQUIRE(settings->models.size() == 2);
  REQUIRE(settings->models[1] == CollectorSettings::Model{*ParseDay("2026-07-01"), "own"});
}

TEST_CASE("a mistake is answered with file, line and key") {
  struct Mistake {
    const char* text;
    const char* said;
  };
  const auto mistake = GENERATE(
      Mistake{"\ncolour = 1\n", "f.toml:2: colour"},
      Mistake{"[push]\nactive_s = \"fast\"\n", "f.toml:2: push.active_s"},
      Mistake{"[push]\nactive_s = 1\n", "f.toml:2: push.active_s: must be from 10"},
      Mistake{"families_off = [\"weather\"]\n", "there is no family 'weather'"},
      Mistake{"[log]\nlevel = \"loud\"\n", "f.toml:2: log.level"},
      Mistake{"[retention]\nlog = 40\n", "f.toml:2: retention.log: must be at least ten days more"},
      Mistake{"[network]\noffice_gateways = [\"10.1.2.3/8\"]\n",
              "f.toml:2: network.office_gateways: '10.1.2.3/8' is no gateway"},
      Mistake{"[[service]]\nname = \"a b\"\nhost = \"h\"\n", "f.toml:2: service.name"},
      Mistake{"[[service]]\nname = \"a\"\nhost = \"\"\n", "f.toml:3: service.host"},
      Mistake{"[[service]]\nname = \"a\"\nhost = \"h\"\nport = 0\n", "f.toml:4: service.port"},
      Mistake{"[[service]]\nname = \"a\"\nhost = \"h\"\nhttp_path = \"x\"\n",
              "f.toml:4: service.http_path"},
      Mistake{"[[service]]\nname = \"a\"\nhost = \"h\"\nhttp_path = \"/\"\nhttp_expect = \"x\"\n",
              "f.toml:5: service.http_expect: needs tls = false"},
      Mistake{"[[service]]\nname = \"a\"\nhost = \"h\"\n[[service]]\nname = \"a\"\nhost = \"h\"\n",
              "'a' is there twice"},
      Mistake{"[[service]]\nname = \"a\"\nhost = \"h\"\ncolour = 1\n", "f.toml:4: service.colour"},
      Mistake{"[[model]]\nfrom = \"soon\"\nname = \"m\"\n", "f.toml:2: model.from"},
      Mistake{"[[model]]\nfrom = \"2026-02-01\"\nname = \"m\"\n[[model]]\nfrom = \"2026-01-01\"\n"
              "name = \"n\"\n",
              "models must be in the order of their dates"},
      Mistake{"= 3\n", "f.toml:1"});
  auto settings = ParseCollectorSettings(mistake.text, "f.toml");
  REQUIRE(absl::IsInvalidArgument(settings.status()));
  const std::string said(settings.status().message());
  INFO(said);
  INFO(mistake.said);
  REQUIRE(said.find(mistake.said) != std::string::npos);
  REQUIRE(said.find('\n') == std::string::npos);
}

TEST_CASE("a file that is not there is named") {
  testing::TempFolder folder;
  auto settings = LoadCollectorSettings(folder.File("none.toml"));
  REQUIRE(absl::IsNotFound(settings.status()));
  REQUIRE(settings.status().message().find("none.toml") != std::string_view::npos);
}

TEST_CASE("laptops are told cadences, services and families, nothing else") {
  auto settings = ParseCollectorSettings(
      "families_off = [\"usage\"]\n[[service]]\nname = \"a\"\nhost = \"h\"\n", "f.toml");
  REQUIRE_OK(settings);
  const v1::Configuration configuration = ConfigurationFor(*settings);
  REQUIRE(configuration.push_active_s() == 300);
  REQUIRE(configuration.tick_idle_s() == 60);
  REQUIRE(configuration.services_size() == 1);
  REQUIRE(configuration.services(0).host() == "h");
  REQUIRE(configuration.services(0).port() == 443);
  REQUIRE(configuration.families_off(0) == "usage");
  REQUIRE(configuration.hash().empty());
}

TEST_CASE("the example that is packed says the defaults") {
  const auto settings =
      LoadCollectorSettings(CANDOR_SOURCE_DIR "/packaging/examples/collector.toml");
  REQUIRE_OK(settings);
  const CollectorSettings defaults;
  CHECK(settings->data == defaults.data);
  CHECK(settings->listen_fleet == defaults.listen_fleet);
  CHECK(settings->listen_enroll == defaults.listen_enroll);
  CHECK(settings->listen_http == defaults.listen_http);
  CHECK(settings->push_active_s == defaults.push_active_s);
  CHECK(settings->push_idle_s == defaults.push_idle_s);
  CHECK(settings->tick_active_s == defaults.tick_active_s);
  CHECK(settings->tick_idle_s == defaults.tick_idle_s);
  CHECK(settings->seal_after_days == defaults.seal_after_days);
  CHECK(settings->log_days == defaults.log_days);
  CHECK(settings->fact_days == defaults.fact_days);
}

}  // namespace
}  // namespace candor
