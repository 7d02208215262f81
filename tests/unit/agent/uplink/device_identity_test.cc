#include "agent/uplink/device_identity.h"

#include <sys/stat.h>

#include "common/files.h"
#include "common/random.h"
#include "common/tls/authority.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr char kId[] = "0f8fad5b-d9cb-469f-a165-70867728950e";
constexpr int64_t kNow = 1'790'000'000'000;

DeviceIdentity Make() {
  SeededRandom random(3);
  const auto ca = CertificateAuthority::Create("Fleet", kNow, random);
  const PrivateKey key = *PrivateKey::Generate();
  const auto request = CertificateRequest::FromDer(*MakeCertificateRequest(key));
  const auto certificate = ca->IssueClient(*request, {Role::kAgent, kId}, kNow, random);
  return {kId,
          {"collector:7443", ca->certificate().Pem(), certificate->Pem(), key.Pem()},
          "collector:7444",
          random.Bytes(32),
          random.Bytes(32)};
}

TEST_CASE("An identity comes back from its folder, which is its owner's alone", "[uplink]") {
  const testing::TempFolder state;
  const IdentityFiles files(state.path());
  const DeviceIdentity identity = Make();
  REQUIRE_OK(files.Save(identity));
  struct stat info = {};
  REQUIRE(stat(files.path().c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0600);
  REQUIRE(stat(files.folder().c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0700);
  const auto loaded = files.Load();
  REQUIRE_OK(loaded);
  REQUIRE(loaded->device_id == identity.device_id);
  REQUIRE(loaded->credential.key_pem == identity.credential.key_pem);
  REQUIRE(loaded->credential.collector == "collector:7443");
  REQUIRE(loaded->enrollment == "collector:7444");
  REQUIRE(loaded->device_key == identity.device_key);
  REQUIRE(loaded->request_id == identity.request_id);
}

TEST_CASE("No identity says how to get one", "[uplink]") {
  const testing::TempFolder state;
  const absl::Status status = IdentityFiles(state.path()).Load().status();
  REQUIRE(absl::IsNotFound(status));
  REQUIRE(status.ToString().find("candor-agent enroll") != std::string::npos);
}

TEST_CASE("An identity that others may read is refused", "[uplink]") {
  const testing::TempFolder state;
  const IdentityFiles files(state.path());
  REQUIRE_OK(files.Save(Make()));
  REQUIRE(chmod(files.path().c_str(), 0640) == 0);
  const absl::Status status = files.Load().status();
  REQUIRE(absl::IsFailedPrecondition(status));
  REQUIRE(status.ToString().find(files.path()) != std::string::npos);
}

TEST_CASE("A damaged identity is named, and none is ever written", "[uplink]") {
  const testing::TempFolder state;
  const IdentityFiles files(state.path());
  DeviceIdentity identity = Make();
  identity.credential.key_pem = PrivateKey::Generate()->Pem();
  REQUIRE(absl::IsInvalidArgument(files.Save(identity)));
  REQUIRE(absl::IsNotFound(files.Load().status()));
  REQUIRE_OK(files.Save(Make()));
  const std::string text = *ReadFile(files.path());
  const std::string damaged = GENERATE(std::string("device_id = 7"), std::string("nonsense"),
                                       std::string("device_id = \"x\"\n"));
  REQUIRE_OK(WriteFileAtomically(files.path(), damaged, 0600));
  const absl::Status status = files.Load().status();
  REQUIRE_FALSE(status.ok());
  REQUIRE(status.ToString().find("identity.toml") != std::string::npos);
}

TEST_CASE("A request under way comes back, and goes", "[uplink]") {
  const testing::TempFolder state;
  const IdentityFiles files(state.path());
  REQUIRE_FALSE(files.LoadPending()->has_value());
  const PendingEnrollment pending = {"collector:7444", "abcd", "request",
                                     PrivateKey::Generate()->Pem()};
  REQUIRE_OK(files.SavePending(pending));
  const auto loaded = files.LoadPending();
  REQUIRE_OK(loaded);
  REQUIRE((*loaded)->enrollment == pending.enrollment);
  REQUIRE((*loaded)->ca_fingerprint == pending.ca_fingerprint);
  REQUIRE((*loaded)->request_id == pending.request_id);
  REQUIRE((*loaded)->key_pem == pending.key_pem);
  REQUIRE_OK(files.RemovePending());
  REQUIRE_OK(files.RemovePending());
  REQUIRE_FALSE(files.LoadPending()->has_value());
}

}  // namespace
}  // namespace candor
