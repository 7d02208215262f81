// The collector's settings: one TOML file, every key with a default, flags win over the file.
//
//   data = "/var/lib/candor-collector"   # data folder, made by 'candor-collector init'
//   families_off = []                    # families no laptop may measure: boot, crash, network,
//                                        # responsiveness, health, software, usage
//   [listen]
//   fleet = "0.0.0.0:7443"               # laptops and candor; client certificate mandatory
//   enroll = "0.0.0.0:7444"              # enrolment and renewal
//   http = "127.0.0.1:7480"              # /healthz, /readyz, /metrics; loopback only
//   [log]
//   level = "info"                       # debug, info, warning, error
//   [push]                               # how often laptops send, seconds
//   active_s = 300                       # in use
//   idle_s = 900
//   [tick]                               # how often laptops sample, seconds
//   active_s = 10
//   idle_s = 60
//   [network]
//   office_gateways = []                 # your networks, each by its default gateway: "10.20.0.1",
//                                        # "10.20.0.0/16" or its hardware address (exact where
//                                        homes # use the same addresses); for figures about groups
//   [[service]]                          # what laptops probe; at most 32
//   name = "mail"                        # shown; letters, digits, '.', '_', '-'
//   host = "mail.example.org"            # never kept with measurements
//   port = 443
//   tls = true                           # measure the TLS handshake
//   http_path = ""                       # measure the first byte of this page; empty: do not
//   icmp = false                         # ping it too, where the laptop may
//   http_expect = ""                     # text of at most 64 bytes in that page, with tls = false:
//                                        # an answer without it is a portal's, and the laptop
//                                        # offline. Name a page of its own that never changes
//   [days]
//   seal_after = 35                      # a day this old is sealed
//   [retention]                          # days
//   log = 45
//   facts = 90
//   [[model]]                            # which model scores days from a date on
//   from = "2026-01-01"                  # the first one's date may lie before every measurement
//   name = "candor-1"
//   [limits]
//   pending_mib = 64                     # received, not yet on disk; beyond, laptops are to wait
//   streams = 10000                      # laptops sending at once
//
// A plain value; errors name file, line and key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace candor::v1 {
class Configuration;
}

namespace candor {

struct CollectorSettings {
  std::string data = "/var/lib/candor-collector";
  std::string listen_fleet = "0.0.0.0:7443";
  std::string listen_enroll = "0.0.0.0:7444";
  std::string listen_http = "127.0.0.1:7480";
  std::string log_level = "info";

  int64_t push_active_s = 300;
  int64_t push_idle_s = 900;
  int64_t tick_active_s = 10;
  int64_t tick_idle_s = 60;
  struct Service {
    std::string name;
    std::string host;
    int64_t port = 443;
    bool tls = true;
    std::string http_path;
    bool icmp = false;
    std::string http_expect;
    bool operator==(const Service&) const = default;
  };
  std::vector<Service> services;
  std::vector<std::string> families_off;
  std::vector<std::string> office_gateways;

  int64_t seal_after_days = 35;
  int64_t log_days = 45;
  int64_t fact_days = 90;
  struct Model {
    int64_t from_day = 0;
    std::string name;
    bool operator==(const Model&) const = default;
  };
  std::vector<Model> models;  // empty: candor-1 for every day

  int64_t pending_mib_max = 64;
  int64_t streams_max = 10'000;
};

// The limits a file's values are held to.
struct CollectorSettingLimits {
  static constexpr size_t kServicesMax = 32;
  static constexpr size_t kModelsMax = 100;
};

absl::StatusOr<CollectorSettings> LoadCollectorSettings(const std::string& path);
absl::StatusOr<CollectorSettings> ParseCollectorSettings(const std::string& text,
                                                         const std::string& name);

// What laptops are told of it.
v1::Configuration ConfigurationFor(const CollectorSettings& settings);

}  // namespace candor
