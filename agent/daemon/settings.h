// The laptop's own settings: /etc/candor/agent.toml, every key with a default, flags on top.
//
//   state = "/var/lib/candor-agent"     spool, sockets
//   log_level = "info"                  debug | info | warning | error
//   families_off = ["usage"]            never sampled, whatever the collector says: boot, crash,
//                                       network, health, software, responsiveness, usage
//   [push]    active_s = 300            how often to push, in use and idle; what stands here wins
//             idle_s = 900              over the collector's configuration
//   [tick]    active_s = 10  idle_s = 60
//   [spool]   size_mib = 256  age_days = 30  ledger_mib = 64  ledger_days = 30
//   [uplink]  program = ""              started for each push where no service manager listens
//             socket = "/run/candor/uplink.sock"
//             state = ""                the laptop's identity; unless set, /var/lib/candor-uplink
//                                       beside the default state, else the state folder itself
//   [network] dns_servers = ""          resolvers to ask instead of the system's
//             office_gateways = []      networks of the operator, by their default gateway: an
//                                       address, prefix or hardware address; with the collector's
//             home_gateways = []        the same for the home; never from the collector
//   [[service]] name host port tls http_path icmp http_expect
//                                       probed beside those the collector names; http_expect: text
//                                       in the answer over plain HTTP, without which a portal
//                                       answered (a page of its own that never changes)
//
// A plain value; read once at start and again on SIGHUP. What lies where (state, uplink), the
// spool's bounds and dns_servers are settled at start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/sampler.h"

namespace candor {

inline constexpr char kDefaultState[] = "/var/lib/candor-agent";
inline constexpr char kDefaultUplinkState[] = "/var/lib/candor-uplink";

struct AgentSettings {
  std::string state = kDefaultState;
  std::string log_level = "info";
  std::vector<std::string> families_off;
  // Nothing: as the collector says, else the default.
  std::optional<int64_t> push_active_s;
  std::optional<int64_t> push_idle_s;
  std::optional<int64_t> tick_active_s;
  std::optional<int64_t> tick_idle_s;
  int64_t spool_mib = 256;
  int64_t spool_days = 30;
  int64_t ledger_mib = 64;
  int64_t ledger_days = 30;
  std::string uplink_program;  // empty: beside this program
  std::string uplink_socket = "/run/candor/uplink.sock";
  std::string uplink_state;  // as set; see uplink_folder()
  std::string dns_servers;
  std::vector<ProbedService> services;
  KnownGateways gateways;

  std::string control_socket() const { return state + "/control.sock"; }
  // For candor-session (agent/samplers/responsiveness/session_socket.h).
  std::string session_socket() const { return state + "/session.sock"; }
  // Where the uplink keeps who this laptop is (agent/uplink/device_identity.h). As installed, the
  // daemon cannot read it.
  std::string uplink_folder() const;
  std::string spool_path() const { return state + "/spool.db"; }
  std::string configuration_path() const { return state + "/configuration.bin"; }
};

inline constexpr char kDefaultConfigPath[] = "/etc/candor/agent.toml";

// `path` empty: the default file, which need not exist. Errors name file, line and key.
absl::StatusOr<AgentSettings> LoadSettings(const std::string& path);

// Keys whose values differ and that a running daemon cannot take on.
std::vector<std::string> KeysThatNeedRestart(const AgentSettings& running,
                                             const AgentSettings& wanted);

// Names of families that can be switched off.
const std::vector<std::string>& SamplerFamilies();

// What both the laptop's file and the collector may name as a service. InvalidArgument otherwise.
absl::Status CheckService(const ProbedService& service);

}  // namespace candor
