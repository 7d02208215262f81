#include "collector/identity/fleet.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "collector/identity/audit.h"
#include "collector/store/store.h"
#include "common/files.h"
#include "common/time_units.h"
#include "common/tls/credential.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

struct Data {
  testing::TempFolder folder;
  testing::ManualClock clock;
  SystemRandom random;
  std::string path = folder.path() + "/data";

  absl::StatusOr<InitResult> Init(std::vector<std::string> hosts = {}) {
    return InitFleet({path, std::move(hosts)}, clock, random);
  }
};

mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

TEST_CASE("init makes a folder that only its owner can read", "[fleet]") {
  Data data;
  REQUIRE_OK(data.Init());
  REQUIRE(ModeOf(data.path) == 0700);
  for (const char* name : {"ca.key", "ca.pem", "server.pem", "fleet.key", "admin.toml"}) {
    INFO(name);
    REQUIRE(ModeOf(data.path + "/" + name) == 0600);
  }
  REQUIRE_OK(Store::Open(data.path));
}

TEST_CASE("init writes down the fingerprint that it gives", "[fleet]") {
  Data data;
  const auto result = data.Init();
  REQUIRE_OK(result);
  REQUIRE(*ReadFile(data.path + "/ca.sha256") == result->fingerprint + "\n");
  const auto fleet = LoadFleet(data.path, data.clock, data.random);
  REQUIRE_OK(fleet);
  REQUIRE(fleet->authority.certificate().Fingerprint() == result->fingerprint);
  REQUIRE(DescribeInit({data.path, {}}, *result).find(result->fingerprint) != std::string::npos);
}

TEST_CASE("init never overwrites", "[fleet]") {
  Data data;
  REQUIRE_OK(data.Init());
  const std::string admin = *ReadFile(data.path + "/admin.toml");
  const absl::Status again = data.Init().status();
  REQUIRE(absl::IsAlreadyExists(again));
  REQUIRE(again.ToString().find(data.path) != std::string::npos);
  REQUIRE(*ReadFile(data.path + "/admin.toml") == admin);
  REQUIRE_OK(LoadFleet(data.path, data.clock, data.random));
}

TEST_CASE("An init that was cut short anywhere is begun again, and nothing else is", "[fleet]") {
  const std::vector<std::string> order = {"candor.db", "admin.toml", "server.pem", "fleet.key",
                                          "ca.sha256", "ca.pem",     "ca.key"};
  Data data;
  REQUIRE_OK(data.Init());
  const std::string staging = data.path + "/init.tmp";
  REQUIRE(absl::IsNotFound(ReadFile(staging + "/ca.key").status()));
  // As it was when so many files were at their place.
  const size_t placed = GENERATE(0U, 1U, 4U, 6U);
  REQUIRE(mkdir(staging.c_str(), 0700) == 0);
  for (size_t i = placed; i < order.size(); ++i) {
    REQUIRE(rename((data.path + "/" + order[i]).c_str(), (staging + "/" + order[i]).c_str()) == 0);
  }
  SECTION("as it was left") {
    const absl::Status none = RequireFleet(data.path);
    REQUIRE(absl::IsNotFound(none));
    REQUIRE(none.ToString().find("init --data") != std::string::npos);
    REQUIRE_OK(data.Init());
    REQUIRE_OK(RequireFleet(data.path));
    REQUIRE_OK(LoadFleet(data.path, data.clock, data.random));
    REQUIRE(access(staging.c_str(), F_OK) != 0);
  }
  SECTION("with a file that is not its own") {
    REQUIRE_OK(WriteFileAtomically(data.path + "/ca.key", "another's", 0600));
    REQUIRE(absl::IsAlreadyExists(data.Init().status()));
    REQUIRE(*ReadFile(data.path + "/ca.key") == "another's");
  }
}

TEST_CASE("A fleet that lost a file is not taken for a new one", "[fleet]") {
  Data data;
  REQUIRE_OK(data.Init());
  const std::string name =
      GENERATE("ca.key", "ca.pem", "server.pem", "fleet.key", "candor.db", "candor.db empty");
  const bool empty = name.find(" empty") != std::string::npos;
  const std::string file = data.path + "/" + name.substr(0, name.find(' '));
  if (empty) {
    REQUIRE(truncate(file.c_str(), 0) == 0);
  } else {
    REQUIRE(unlink(file.c_str()) == 0);
  }
  const absl::Status status = RequireFleet(data.path);
  REQUIRE(absl::IsFailedPrecondition(status));
  REQUIRE(status.ToString().find(file + (empty ? " is empty" : " is missing")) !=
          std::string::npos);
  REQUIRE(absl::IsAlreadyExists(data.Init().status()));
}

TEST_CASE("The server answers to the given hosts, this machine and loopback", "[fleet]") {
  Data data;
  const auto result = data.Init({"collector.example", "192.0.2.1", "localhost"});
  REQUIRE_OK(result);
  const auto fleet = LoadFleet(data.path, data.clock, data.random);
  const auto server = Certificate::FromPem(fleet->server_chain_pem);
  for (const char* host : {"collector.example", "192.0.2.1", "localhost", "127.0.0.1", "::1"}) {
    INFO(host);
    REQUIRE_OK(server->CheckHost(host));
    REQUIRE(std::count(result->hosts.begin(), result->hosts.end(), host) == 1);
  }
  REQUIRE(result->collector == "collector.example:7443");
  REQUIRE(data.Init({"no host"}).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("A mistaken host leaves nothing behind", "[fleet]") {
  Data data;
  REQUIRE(absl::IsInvalidArgument(data.Init({"no host"}).status()));
  REQUIRE(absl::IsNotFound(ReadFile(data.path + "/ca.key").status()));
  REQUIRE_OK(data.Init({"a.host"}));
}

TEST_CASE("The first administrator's credential is one of this fleet", "[fleet]") {
  Data data;
  const auto result = data.Init();
  const auto credential = LoadCredential(result->admin_path);
  REQUIRE_OK(credential);
  REQUIRE(credential->collector == "127.0.0.1:7443");
  const auto fleet = LoadFleet(data.path, data.clock, data.random);
  REQUIRE(credential->ca_pem == fleet->ca_pem);
  const auto certificate = Certificate::FromPem(credential->certificate_pem);
  REQUIRE_OK(VerifyIssuedBy(*certificate, fleet->authority.certificate(), Purpose::kClient,
                            data.clock.WallMs(), "the administrator's"));
  REQUIRE(*IdentityOf(certificate->Uris()) == Identity{Role::kItAdmin, "admin"});
}

TEST_CASE("The audit begins with the fleet", "[fleet]") {
  Data data;
  REQUIRE_OK(data.Init());
  const auto store = Store::Open(data.path);
  REQUIRE(*(*store)->write_connection().QueryText("SELECT action FROM audit") == "fleet create");
  REQUIRE_OK(VerifyAudit((*store)->write_connection()));
}

TEST_CASE("A server certificate is replaced when two thirds are over", "[fleet]") {
  Data data;
  REQUIRE_OK(data.Init({"collector.example"}));
  const auto first = LoadFleet(data.path, data.clock, data.random);
  data.clock.Advance(100 * kMsPerDay);
  const auto same = LoadFleet(data.path, data.clock, data.random);
  REQUIRE(same->server_chain_pem == first->server_chain_pem);
  data.clock.Advance(200 * kMsPerDay);
  const auto next = LoadFleet(data.path, data.clock, data.random);
  REQUIRE_OK(next);
  REQUIRE(next->server_chain_pem != first->server_chain_pem);
  const auto server = Certificate::FromPem(next->server_chain_pem);
  REQUIRE_OK(server->CheckHost("collector.example"));
  REQUIRE_OK(server->CheckDates(data.clock.WallMs() + 364 * kMsPerDay, "the server's"));
  REQUIRE(next->ca_pem == first->ca_pem);
}

TEST_CASE("Secrets that others may read are refused", "[fleet]") {
  Data data;
  REQUIRE_OK(data.Init());
  const std::string file = GENERATE("ca.key", "server.pem", "fleet.key");
  REQUIRE(chmod((data.path + "/" + file).c_str(), 0644) == 0);
  const absl::Status status = LoadFleet(data.path, data.clock, data.random).status();
  REQUIRE(absl::IsFailedPrecondition(status));
  REQUIRE(status.ToString().find(file) != std::string::npos);
}

TEST_CASE("A damaged secret is named", "[fleet]") {
  Data data;
  REQUIRE_OK(data.Init());
  const std::string file = GENERATE("ca.key", "ca.pem", "server.pem", "fleet.key");
  REQUIRE_OK(WriteFileAtomically(data.path + "/" + file, "damaged", 0600));
  const absl::Status status = LoadFleet(data.path, data.clock, data.random).status();
  REQUIRE_FALSE(status.ok());
  REQUIRE(status.ToString().find(file) != std::string::npos);
}

TEST_CASE("A folder without a fleet says how to make one", "[fleet]") {
  Data data;
  const absl::Status status = LoadFleet(data.path, data.clock, data.random).status();
  REQUIRE(absl::IsNotFound(status));
  REQUIRE(status.ToString().find("candor-collector init") != std::string::npos);
}

TEST_CASE("An authority past its ten years says so", "[fleet]") {
  Data data;
  REQUIRE_OK(data.Init());
  data.clock.Advance(3651 * kMsPerDay);
  const absl::Status status = LoadFleet(data.path, data.clock, data.random).status();
  REQUIRE(absl::IsFailedPrecondition(status));
  REQUIRE(status.ToString().find("expired") != std::string::npos);
}

TEST_CASE("Each device has a key of its own, always the same", "[fleet]") {
  const std::string fleet_key(32, 'k');
  REQUIRE(DeviceKey(fleet_key, "a").size() == 32);
  REQUIRE(DeviceKey(fleet_key, "a") == DeviceKey(fleet_key, "a"));
  REQUIRE(DeviceKey(fleet_key, "a") != DeviceKey(fleet_key, "b"));
  REQUIRE(DeviceKey(fleet_key, "a") != DeviceKey(std::string(32, 'l'), "a"));
}

}  // namespace
}  // namespace candor
