#include "agent/daemon/settings.h"

#include <fstream>
#include <sstream>

#include "common/files.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

absl::StatusOr<AgentSettings> Load(const std::string& text) {
  const testing::TempFolder folder;
  const std::string path = folder.File("agent.toml");
  std::ofstream(path) << text;
  return LoadSettings(path);
}

TEST_CASE("an empty file gives the defaults") {
  const auto settings = Load("");
  REQUIRE_OK(settings);
  REQUIRE(settings->state == "/var/lib/candor-agent");
  REQUIRE(settings->control_socket() == "/var/lib/candor-agent/control.sock");
  REQUIRE_FALSE(settings->push_active_s);
  REQUIRE(settings->spool_mib == 256);
}

TEST_CASE("every key is read") {
  const auto settings = Load(R"(
state = "/srv/agent"
log_level = "debug"
families_off = ["usage", "network"]
[push]
active_s = 30
idle_s = 90
[tick]
active_s = 5
idle_s = 30
[spool]
size_mib = 10
age_days = 7
ledger_mib = 5
ledger_days = 3
[uplink]
program = "/opt/uplink"
socket = "/run/other.sock"
state = "/srv/uplink"
[network]
dns_servers = "127.0.0.1:5300"
office_gateways = ["10.20.0.0/16"]
home_gateways = ["02:11:22:33:44:55"]
[[service]]
name = "mail"
host = "mail.example.org"
port = 993
tls = true
[[service]]
name = "wiki"
host = "wiki.example.org"
http_path = "/health"
icmp = true
)");
  REQUIRE_OK(settings);
  REQUIRE(settings->state == "/srv/agent");
  REQUIRE(settings->families_off == std::vector<std::string>{"usage", "network"});
  REQUIRE(settings->push_active_s == 30);
  REQUIRE(settings->push_idle_s == 90);
  REQUIRE(settings->tick_active_s == 5);
  REQUIRE(settings->tick_idle_s == 30);
  REQUIRE(settings->spool_mib == 10);
  REQUIRE(settings->spool_days == 7);
  REQUIRE(settings->ledger_mib == 5);
  REQUIRE(settings->ledger_days == 3);
  REQUIRE(settings->uplink_program == "/opt/uplink");
  REQUIRE(settings->uplink_socket == "/run/other.sock");
  REQUIRE(settings->uplink_folder() == "/srv/uplink");
  REQUIRE(settings->dns_servers == "127.0.0.1:5300");
  REQUIRE(settings->gateways.office == std::vector<std::string>{"10.20.0.0/16"});
  REQUIRE(settings->gateways.home == std::vector<std::string>{"02:11:22:33:44:55"});
  REQUIRE(settings->services.size() == 2);
  REQUIRE(settings->services[0].port == 993);
  REQUIRE(settings->services[1].port == 443);
  REQUIRE(settings->services[1].http_path == "/health");
  REQUIRE(settings->services[1].icmp);
}

TEST_CASE("a mistake is answered with file, line and key") {
  struct Case {
    std::string text;
    std::string line;
    std::string word;
  };
  const auto c = GENERATE(values<Case>({
      {"state = 5\n", ":1", "state"},
      {"\n[push]\nactive_s = 0\n", ":3", "push.active_s"},
      {"[tick]\nidle_s = 61\n", ":2", "tick.idle_s"},
      {"families_off = [\"usge\"]\n", ":1", "usge"},
      {"\nlog_level = \"loud\"\n", ":2", "log_level"},
      {"colour = \"red\"\n", ":1", "colour"},
      {"[[service]]\nname = \"a\"\nhost = \"b/c\"\n", "agent.toml:", "service \"a\""},
      {"[[service]]\nname = \"a\"\nhost = \"b\"\n[[service]]\nname = \"a\"\nhost = \"c\"\n", ":5",
       "twice"},
      {"[[service]]\nname = \"a\"\nhost = \"b\"\nhttp_path = \"no slash\"\n",
       "agent.toml:", "path"},
      {"[[service]]\nname = \"a\"\nhost = \"b\"\nhttp_path = \"/\"\nhttp_expect = \"ok\"\n",
       "agent.toml:", "tls = false"},
      {"[[service]]\nname = \"a\"\nhost = \"b\"\ntls = false\nhttp_expect = \"ok\"\n",
       "agent.toml:", "path"},
      {"[network]\nhome_gateways = [\"10.0.0.0/0\"]\n", ":2", "network.home_gateways"},
      {"[network]\noffice_gateways = [\"HQ\"]\n", ":2", "'HQ' is no gateway"},
      {"[push\n", ":1", "agent.toml"},
  }));
  const auto settings = Load(c.text);
  REQUIRE_FALSE(settings.ok());
  const std::string message(settings.status().message());
  INFO(message);
  REQUIRE(message.find("agent.toml") != std::string::npos);
  REQUIRE(message.find(c.line) != std::string::npos);
  REQUIRE(message.find(c.word) != std::string::npos);
  REQUIRE(message.find('\n') == std::string::npos);
}

TEST_CASE("what a service answers may be named, up to a limit") {
  const auto with = [](size_t bytes) {
    return Load(
        "[[service]]\nname = \"a\"\nhost = \"b\"\ntls = false\nhttp_path = \"/\"\n"
        "http_expect = \"" +
        std::string(bytes, 'x') + "\"\n");
  };
  const auto most = with(64);
  REQUIRE_OK(most);
  REQUIRE(most->services[0].http_expect.size() == 64);
  REQUIRE_FALSE(with(65).ok());
}

TEST_CASE("a file that was named must exist") {
  REQUIRE(absl::IsNotFound(LoadSettings("/nowhere/agent.toml").status()));
}

TEST_CASE("keys that a running daemon cannot take on are named, the others are not") {
  AgentSettings wanted;
  wanted.log_level = "debug";
  wanted.families_off = {"usage"};
  wanted.push_active_s = 7;
  wanted.services = {{.name = "mail", .host = "m", .http_path = ""}};
  REQUIRE(KeysThatNeedRestart({}, wanted).empty());
  wanted.spool_mib = 1;
  wanted.uplink_program = "/opt/uplink";
  wanted.dns_servers = "192.0.2.53";
  REQUIRE(KeysThatNeedRestart({}, wanted) ==
          std::vector<std::string>{"spool.size_mib", "uplink.program", "network.dns_servers"});
}

TEST_CASE("the identity lies apart from the measurements unless all lies in a folder of choice") {
  AgentSettings settings;
  CHECK(settings.uplink_folder() == "/var/lib/candor-uplink");
  settings.state = "/srv/agent";
  CHECK(settings.uplink_folder() == "/srv/agent");
  settings.uplink_state = "/srv/uplink";
  CHECK(settings.uplink_folder() == "/srv/uplink");
}

// The text with its settings that are commented out switched on: "#key = …" and "#[table]".
std::string SwitchedOn(const std::string& text) {
  std::string on;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool off = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    on += (off ? line.substr(1) : line) + "\n";
  }
  return on;
}

TEST_CASE("the example that is packed says the defaults, and every key in it is one") {
  const std::string path = CANDOR_SOURCE_DIR "/packaging/examples/agent.toml";
  const auto settings = LoadSettings(path);
  REQUIRE_OK(settings);
  CHECK(KeysThatNeedRestart(AgentSettings{}, *settings).empty());
  CHECK(settings->log_level == AgentSettings{}.log_level);
  const auto on = Load(SwitchedOn(*ReadFile(path)));
  REQUIRE_OK(on);
  CHECK(on->services.size() == 1);
}

}  // namespace
}  // namespace candor
