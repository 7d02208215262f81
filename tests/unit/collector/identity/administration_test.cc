#include "collector/identity/administration.h"

#include "collector/identity/audit.h"
#include "test_fleet.h"

namespace candor {
namespace {

using testing::Answer;
using testing::Laptop;
using testing::TestFleet;

absl::StatusOr<v1::CreateTokenReply> Create(TestFleet& fleet, uint32_t uses, uint64_t expires_s) {
  v1::CreateTokenRequest request;
  request.set_uses(uses);
  request.set_expires_s(expires_s);
  Answer<v1::CreateTokenReply> answer;
  Administration(fleet.AdministrationParts()).CreateToken(fleet.admin, request, answer.Done());
  return answer.Wait();
}

absl::StatusOr<v1::ListTokensReply> List(TestFleet& fleet) {
  Answer<v1::ListTokensReply> answer;
  Administration(fleet.AdministrationParts()).ListTokens(fleet.admin, answer.Done());
  return answer.Wait();
}

absl::StatusOr<v1::RevokeTokenReply> RevokeTokenOf(TestFleet& fleet, const std::string& id) {
  v1::RevokeTokenRequest request;
  request.set_id(id);
  Answer<v1::RevokeTokenReply> answer;
  Administration(fleet.AdministrationParts()).RevokeToken(fleet.admin, request, answer.Done());
  return answer.Wait();
}

absl::StatusOr<v1::RevokeDeviceReply> RevokeDeviceOf(TestFleet& fleet, const std::string& device,
                                                     const std::string& reason = "lost") {
  v1::RevokeDeviceRequest request;
  request.set_device(device);
  request.set_reason(reason);
  Answer<v1::RevokeDeviceReply> answer;
  Administration administration(fleet.AdministrationParts());
  administration.RevokeDevice(fleet.admin, request, answer.Done());
  return answer.Wait();
}

std::string LastAudit(TestFleet& fleet) {
  std::string text;
  REQUIRE_OK(fleet.writer->Run([&](Database& db) -> absl::Status {
    text = *db.QueryText(
        "SELECT actor || ' ' || action || ' ' || subject || ' ' || reason "
        "FROM audit ORDER BY id DESC");
    return VerifyAudit(db);
  }));
  return text;
}

TEST_CASE("A token has one use and seven days unless told otherwise", "[administration]") {
  TestFleet fleet;
  const auto plain = Create(fleet, 0, 0);
  REQUIRE_OK(plain);
  REQUIRE(plain->info().uses_left() == 1);
  REQUIRE(plain->info().expires_ms() == fleet.clock.WallMs() + int64_t{7} * 86'400'000);
  const auto told = Create(fleet, 50, 3600);
  REQUIRE(told->info().uses_left() == 50);
  REQUIRE(told->info().expires_ms() == fleet.clock.WallMs() + 3'600'000);
  REQUIRE(LastAudit(fleet) == "it-admin:admin token create " + told->info().id() + " ");
}

TEST_CASE("Tokens beyond the limits are refused by name", "[administration]") {
  TestFleet fleet;
  REQUIRE(absl::IsInvalidArgument(Create(fleet, 1'000'001, 0).status()));
  REQUIRE(absl::IsInvalidArgument(Create(fleet, 1, 400 * 86'400).status()));
  REQUIRE(absl::IsInvalidArgument(Create(fleet, 1, UINT64_MAX).status()));
  REQUIRE(fleet.Count("token") == 0);
}

TEST_CASE("The list shows what is left, never the token", "[administration]") {
  TestFleet fleet;
  const std::string text = fleet.Token(3);
  REQUIRE_OK(fleet.Enroll(Laptop(text).request));
  const auto list = List(fleet);
  REQUIRE_OK(list);
  REQUIRE(list->tokens_size() == 1);
  REQUIRE(list->tokens(0).id() == fleet.last_token_id);
  REQUIRE(list->tokens(0).uses_left() == 2);
  REQUIRE(list->SerializeAsString().find(text) == std::string::npos);
  REQUIRE(LastAudit(fleet) == "it-admin:admin token list  ");
}

TEST_CASE("A revoked token lets nobody in", "[administration]") {
  TestFleet fleet;
  const std::string text = fleet.Token(3);
  REQUIRE_OK(RevokeTokenOf(fleet, fleet.last_token_id));
  REQUIRE(LastAudit(fleet) == "it-admin:admin token revoke " + fleet.last_token_id + " ");
  REQUIRE(List(fleet)->tokens(0).revoked());
  REQUIRE(absl::IsPermissionDenied(fleet.Enroll(Laptop(text).request).status()));
  REQUIRE(absl::IsNotFound(RevokeTokenOf(fleet, "tok_other").status()));
}

TEST_CASE("A device is revoked by id or host name, at once and with its reason",
          "[administration]") {
  TestFleet fleet;
  const auto device = fleet.Enroll(Laptop(fleet.Token(), "laptop-7").request);
  const bool by_id = GENERATE(true, false);
  const auto reply = RevokeDeviceOf(fleet, by_id ? device->device_id() : "laptop-7", "stolen");
  REQUIRE_OK(reply);
  REQUIRE(reply->device_id() == device->device_id());
  REQUIRE_FALSE(fleet.directory->Admit({Role::kAgent, device->device_id()}).ok());
  // The host name stays out of the audit.
  REQUIRE(LastAudit(fleet) == "it-admin:admin device revoke " + device->device_id() + " stolen");
  REQUIRE_OK(fleet.writer->Run([](Database& db) -> absl::Status {
    REQUIRE(*db.QueryText("SELECT revoked_reason FROM device") == "stolen");
    return absl::OkStatus();
  }));
}

TEST_CASE("A host name that fits several devices lists them", "[administration]") {
  TestFleet fleet;
  const std::string token = fleet.Token(3);
  const auto first = fleet.Enroll(Laptop(token, "twin").request);
  const auto second = fleet.Enroll(Laptop(token, "twin").request);
  const absl::Status status = RevokeDeviceOf(fleet, "twin").status();
  REQUIRE(absl::IsFailedPrecondition(status));
  REQUIRE(status.ToString().find(first->device_id()) != std::string::npos);
  REQUIRE(status.ToString().find(second->device_id()) != std::string::npos);
  REQUIRE(fleet.directory->active() == 2);
  // Once one of them is gone, the name means the other.
  REQUIRE_OK(RevokeDeviceOf(fleet, first->device_id()));
  REQUIRE(RevokeDeviceOf(fleet, "twin")->device_id() == second->device_id());
}

TEST_CASE("Revoking what is not there, or in bad words, changes nothing", "[administration]") {
  TestFleet fleet;
  REQUIRE_OK(fleet.Enroll(Laptop(fleet.Token(), "laptop-7").request));
  const int64_t audited = fleet.Count("audit");
  REQUIRE(absl::IsNotFound(RevokeDeviceOf(fleet, "laptop-8").status()));
  REQUIRE(absl::IsInvalidArgument(RevokeDeviceOf(fleet, "").status()));
  REQUIRE(absl::IsInvalidArgument(RevokeDeviceOf(fleet, "a b").status()));
  REQUIRE(absl::IsInvalidArgument(RevokeDeviceOf(fleet, "laptop-7", "a\nb").status()));
  REQUIRE(
      absl::IsInvalidArgument(RevokeDeviceOf(fleet, "laptop-7", std::string(1025, 'a')).status()));
  REQUIRE(fleet.Count("audit") == audited);
  REQUIRE(fleet.directory->active() == 1);
}

}  // namespace
}  // namespace candor
