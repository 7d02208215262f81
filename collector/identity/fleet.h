// A fleet's own secrets in its data folder, all 0600:
//
//   ca.key, ca.pem            the authority everybody in the fleet trusts, ten years
//   server.pem                the collector's key, its certificate (a year) and the authority's
//   fleet.key                 32 random bytes from which each device's key is derived
//   admin.toml                the first administrator's credential (common/tls/credential.h)
//   ca.sha256                 the authority's fingerprint, for laptops that enrol
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/tls/authority.h"

namespace candor {

constexpr int kDefaultFleetPort = 7443;
constexpr int kDefaultEnrollmentPort = 7444;

struct InitOptions {
  std::string folder;
  // Names and addresses by which laptops reach the collector; this machine's name and loopback are
  // added.
  std::vector<std::string> hosts;
};

struct InitResult {
  std::string fingerprint;         // of the authority
  std::vector<std::string> hosts;  // in the server's certificate
  std::string admin_path;
  std::string collector;  // address in admin.toml
};

// Makes the folder (0700), its secrets and its database. AlreadyExists, naming the file, when the
// folder holds any of them: nothing is ever overwritten. One that was cut short is begun again.
absl::StatusOr<InitResult> InitFleet(const InitOptions& options, const Clock& clock,
                                     Random& random);

// What to tell the operator, a few lines.
std::string DescribeInit(const InitOptions& options, const InitResult& result);

struct Fleet {
  CertificateAuthority authority;
  std::string ca_pem;
  std::string server_chain_pem;
  std::string server_key_pem;
  std::string fleet_key;
};

// NotFound, with what to do, when the folder was never initialised; FailedPrecondition, naming the
// file, when one of the fleet's is missing or the database is empty: a fleet of years must not go
// on as a new one because a disk was not mounted. Changes nothing.
absl::Status RequireFleet(const std::string& folder);

// For who holds the store's lock (collector/store/store.h). NotFound when the folder was never
// initialised; FailedPrecondition for secrets that others may
// read. A server certificate of which two thirds are over is replaced by a new one for the same
// hosts.
absl::StatusOr<Fleet> LoadFleet(const std::string& folder, const Clock& clock, Random& random);

// HKDF-SHA-256 of the fleet key for one device: pseudonyms of the people on it are made with it.
std::string DeviceKey(std::string_view fleet_key, std::string_view device_id);

}  // namespace candor
