#include "collector/identity/enroller.h"

#include <future>

#include "common/hash.h"
#include "common/status.h"
#include "common/time_units.h"
#include "test_fleet.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::TestFleet;

void AddLabel(v1::EnrollRequest& request, const std::string& key, const std::string& value) {
  v1::Label* label = request.add_labels();
  label->set_key(key);
  label->set_value(value);
}

TEST_CASE("A token lets a laptop in as a device of its own", "[enroller]") {
  TestFleet fleet;
  Laptop laptop(fleet.Token());
  AddLabel(laptop.request, "department", "Sales");
  const auto reply = fleet.Enroll(laptop.request);
  REQUIRE_OK(reply);
  REQUIRE(IsUuid(reply->device_id()));
  const auto certificate = Certificate::FromDer(reply->certificate_der());
  REQUIRE_OK(certificate);
  REQUIRE_OK(certificate->CheckKey(laptop.key));
  REQUIRE(*IdentityOf(certificate->Uris()) == Identity{Role::kAgent, reply->device_id()});
  REQUIRE_OK(VerifyIssuedBy(*certificate, fleet.fleet->authority.certificate(), Purpose::kClient,
                            fleet.clock.WallMs(), "the laptop's"));
  REQUIRE(reply->not_after_ms() == certificate->not_after_ms());
  REQUIRE(reply->ca_der() == fleet.fleet->authority.certificate().Der());
  REQUIRE(reply->device_key() == DeviceKey(fleet.fleet->fleet_key, reply->device_id()));
  REQUIRE_OK(fleet.directory->Admit({Role::kAgent, reply->device_id()}));
  REQUIRE_OK(fleet.writer->Run([&](Database& db) -> absl::Status {
    REQUIRE(*db.QueryText("SELECT host FROM device") == "laptop-1");
    REQUIRE(*db.QueryText("SELECT certificate_serial FROM device") == certificate->Serial());
    REQUIRE(*db.QueryText("SELECT key || '=' || value FROM device_label") == "department=Sales");
    return absl::OkStatus();
  }));
}

TEST_CASE("The same request again is the same device and one use of the token", "[enroller]") {
  TestFleet fleet;
  Laptop laptop(fleet.Token(1));
  const auto first = fleet.Enroll(laptop.request);
  REQUIRE_OK(first);
  // The laptop lost the answer, and its key with it.
  laptop.key = *PrivateKey::Generate();
  laptop.request.set_csr_der(*MakeCertificateRequest(laptop.key));
  const auto again = fleet.Enroll(laptop.request);
  REQUIRE_OK(again);
  REQUIRE(again->device_id() == first->device_id());
  REQUIRE(again->device_key() == first->device_key());
  REQUIRE_OK(Certificate::FromDer(again->certificate_der())->CheckKey(laptop.key));
  REQUIRE(fleet.Count("device") == 1);
}

TEST_CASE("A request is spent once its device was seen or revoked", "[enroller]") {
  TestFleet fleet;
  const Laptop laptop(fleet.Token(5));
  REQUIRE_OK(fleet.Enroll(laptop.request));
  REQUIRE_OK(
      fleet.Execute(GENERATE("UPDATE device SET last_seen_ms = 1",
                             "UPDATE device SET revoked_ms = 1", "UPDATE token SET revoked = 1")));
  REQUIRE(absl::IsPermissionDenied(fleet.Enroll(laptop.request).status()));
  REQUIRE(fleet.Count("device") == 1);
}

TEST_CASE("Many laptops at once take exactly the token's uses", "[enroller]") {
  TestFleet fleet;
  const std::string token = fleet.Token(10);
  std::vector<std::future<bool>> calls;
  for (int i = 0; i < 30; ++i) {
    calls.push_back(std::async(std::launch::async, [&fleet, token, i] {
      return fleet.Enroll(Laptop(token, "laptop-" + std::to_string(i)).request).ok();
    }));
  }
  int enrolled = 0;
  for (auto& call : calls) enrolled += call.get() ? 1 : 0;
  REQUIRE(enrolled == 10);
  REQUIRE(fleet.Count("device") == 10);
}

TEST_CASE("Whoever is refused learns nothing, and leaves nothing", "[enroller]") {
  TestFleet fleet;
  Laptop laptop(fleet.Token(1, 60));
  v1::EnrollRequest& request = laptop.request;
  SECTION("unknown token") { request.set_token("cnd_guess"); }
  SECTION("no token") { request.clear_token(); }
  SECTION("a very long token") { request.set_token(std::string(1 << 20, 'c')); }
  SECTION("expired token") { fleet.clock.Advance(60'000); }
  SECTION("used token") {
    REQUIRE_OK(fleet.Enroll(Laptop(request.token()).request));
    REQUIRE_OK(fleet.Execute("DELETE FROM device"));
  }
  SECTION("no request id") { request.clear_request_id(); }
  SECTION("a short request id") { request.set_request_id("short"); }
  SECTION("no certificate request") { request.clear_csr_der(); }
  SECTION("a damaged certificate request") { request.mutable_csr_der()->back() ^= 1; }
  SECTION("a host name that is none") { request.set_host("a b"); }
  SECTION("no host name") { request.clear_host(); }
  SECTION("a label key that is none") { AddLabel(request, "Depart ment", "x"); }
  SECTION("a label value too long") { AddLabel(request, "k", std::string(129, 'x')); }
  SECTION("a label twice") { AddLabel(request, "k", "1"), AddLabel(request, "k", "2"); }
  SECTION("too many labels") {
    for (int i = 0; i < 17; ++i) AddLabel(request, "k" + std::to_string(i), "v");
  }
  SECTION("a version that is no text") { request.set_agent_version("\xff"); }
  const absl::Status status = fleet.Enroll(request).status();
  REQUIRE(absl::IsPermissionDenied(status));
  REQUIRE(MessageOf(status) ==
          "enrolment refused: most likely the token is unknown, withdrawn, expired or used up; the "
          "collector's log tells");
  REQUIRE(fleet.Count("device") == 0);
  REQUIRE(fleet.Count("device_label") == 0);
}

TEST_CASE("An enrolment that cannot be stored costs no use and asks to come again", "[enroller]") {
  TestFleet fleet;
  const Laptop laptop(fleet.Token(1));
  REQUIRE_OK(
      fleet.Execute("CREATE TRIGGER full BEFORE INSERT ON device "
                    "BEGIN SELECT RAISE(ABORT, 'disk full'); END"));
  REQUIRE(absl::IsUnavailable(fleet.Enroll(laptop.request).status()));
  REQUIRE_OK(fleet.Execute("DROP TRIGGER full"));
  REQUIRE_OK(fleet.Enroll(laptop.request));
}

TEST_CASE("A device renews with proof of its old key", "[enroller]") {
  TestFleet fleet;
  const Laptop laptop(fleet.Token());
  const auto reply = fleet.Enroll(laptop.request);
  fleet.clock.Advance(20 * kMsPerDay);
  const PrivateKey next = *PrivateKey::Generate();
  const auto renewed = fleet.Renew(laptop.Renewal(*reply, next));
  REQUIRE_OK(renewed);
  REQUIRE(renewed->device_id() == reply->device_id());
  REQUIRE(renewed->device_key() == reply->device_key());
  const auto certificate = Certificate::FromDer(renewed->certificate_der());
  REQUIRE_OK(certificate->CheckKey(next));
  REQUIRE(certificate->not_after_ms() == fleet.clock.WallMs() + 30 * kMsPerDay);
  REQUIRE(fleet.Count("device") == 1);
}

TEST_CASE("Nobody renews for somebody else", "[enroller]") {
  TestFleet fleet;
  const std::string token = fleet.Token(2);
  const Laptop laptop(token);
  const auto reply = fleet.Enroll(laptop.request);
  const Laptop other(token);
  const auto other_reply = fleet.Enroll(other.request);
  fleet.clock.Advance(20 * kMsPerDay);
  v1::RenewRequest request = laptop.Renewal(*reply, *PrivateKey::Generate());
  SECTION("another device's proof") { request.set_proof(*other.key.Sign(request.csr_der())); }
  SECTION("no proof") { request.clear_proof(); }
  SECTION("proof over another request") { request.set_proof(*laptop.key.Sign("other")); }
  SECTION("another device's id") { request.set_device_id(other_reply->device_id()); }
  SECTION("another device's certificate") {
    request.set_certificate_der(other_reply->certificate_der());
  }
  SECTION("no certificate") { request.clear_certificate_der(); }
  SECTION("a certificate of another fleet") {
    const auto ca = CertificateAuthority::Create("Other", fleet.clock.WallMs(), fleet.random);
    const auto csr = CertificateRequest::FromDer(laptop.request.csr_der());
    request.set_certificate_der(ca->IssueClient(*csr, {Role::kAgent, reply->device_id()},
                                                fleet.clock.WallMs(), fleet.random)
                                    ->Der());
  }
  SECTION("an administrator's certificate") {
    const auto csr = CertificateRequest::FromDer(laptop.request.csr_der());
    request.set_device_id("admin");
    request.set_certificate_der(
        fleet.fleet->authority.IssueClient(*csr, fleet.admin, fleet.clock.WallMs(), fleet.random)
            ->Der());
  }
  const absl::Status status = fleet.Renew(request).status();
  REQUIRE(absl::IsPermissionDenied(status));
  REQUIRE(status.message() == "renewal refused");
}

TEST_CASE("A revoked device does not renew, and hears why", "[enroller]") {
  TestFleet fleet;
  const Laptop laptop(fleet.Token());
  const auto reply = fleet.Enroll(laptop.request);
  fleet.clock.Advance(20 * kMsPerDay);
  fleet.directory->Revoke(reply->device_id());
  const absl::Status status = fleet.Renew(laptop.Renewal(*reply, *PrivateKey::Generate())).status();
  REQUIRE(absl::IsPermissionDenied(status));
  REQUIRE(status.ToString().find("revoked: ") != std::string::npos);
}

TEST_CASE("A laptop with a wrong clock cannot renew for ever", "[enroller]") {
  TestFleet fleet;
  const Laptop laptop(fleet.Token());
  const auto reply = fleet.Enroll(laptop.request);
  fleet.clock.Advance(5 * kMsPerDay);
  const absl::Status status = fleet.Renew(laptop.Renewal(*reply, *PrivateKey::Generate())).status();
  REQUIRE(absl::IsFailedPrecondition(status));
  REQUIRE(status.ToString().find("clock") != std::string::npos);
}

TEST_CASE("A laptop that was away renews within its grace, not after", "[enroller]") {
  TestFleet fleet;
  const Laptop laptop(fleet.Token());
  const auto reply = fleet.Enroll(laptop.request);
  fleet.clock.Advance(119 * kMsPerDay);
  REQUIRE_OK(fleet.Renew(laptop.Renewal(*reply, *PrivateKey::Generate())));
  fleet.clock.Advance(2 * kMsPerDay);
  REQUIRE(absl::IsPermissionDenied(
      fleet.Renew(laptop.Renewal(*reply, *PrivateKey::Generate())).status()));
}

}  // namespace
}  // namespace candor
