#include "common/tls/authority.h"

#include <set>

#include "common/time_units.h"
#include "tests/support/catch.h"
#include "tests/unit/tls/test_authority.h"

namespace candor {
namespace {

CertificateRequest RequestFor(const PrivateKey& key) {
  return *CertificateRequest::FromDer(*MakeCertificateRequest(key));
}

TEST_CASE("The authority signs itself, for ten years", "[tls]") {
  SeededRandom random(1);
  const auto ca = CertificateAuthority::Create("Candor fleet", testing::kIssuedMs, random);
  REQUIRE_OK(ca);
  REQUIRE(ca->certificate().IsCa());
  REQUIRE(ca->certificate().CommonName() == "Candor fleet");
  REQUIRE(ca->certificate().not_after_ms() == testing::kIssuedMs + 3650 * kMsPerDay);
  REQUIRE_OK(CertificateAuthority::From(ca->certificate(), ca->key()));
  REQUIRE_FALSE(CertificateAuthority::From(ca->certificate(), *PrivateKey::Generate()).ok());
}

TEST_CASE("A certificate of a device is no authority", "[tls]") {
  SeededRandom random(1);
  const auto ca = CertificateAuthority::Create("Candor fleet", testing::kIssuedMs, random);
  const PrivateKey key = *PrivateKey::Generate();
  const auto device =
      ca->IssueClient(RequestFor(key), testing::kDevice, testing::kIssuedMs, random);
  REQUIRE_OK(device);
  REQUIRE_FALSE(device->IsCa());
  REQUIRE(absl::IsInvalidArgument(CertificateAuthority::From(*device, key).status()));
}

TEST_CASE("Certificates live as long as their kind", "[tls]") {
  SeededRandom random(1);
  const auto ca = CertificateAuthority::Create("Candor fleet", testing::kIssuedMs, random);
  const CertificateRequest request = RequestFor(*PrivateKey::Generate());
  const auto device = ca->IssueClient(request, testing::kDevice, testing::kIssuedMs, random);
  const auto person =
      ca->IssueClient(request, {Role::kItAdmin, "alice"}, testing::kIssuedMs, random);
  const auto server = ca->IssueServer(request, {"localhost"}, testing::kIssuedMs, random);
  REQUIRE(device->not_after_ms() == testing::kIssuedMs + 30 * kMsPerDay);
  REQUIRE(person->not_after_ms() == testing::kIssuedMs + 365 * kMsPerDay);
  REQUIRE(server->not_after_ms() == testing::kIssuedMs + 365 * kMsPerDay);
  // A laptop whose clock is ten hours behind has not enrolled in the future.
  REQUIRE(device->ValidityAt(testing::kIssuedMs - 10 * 3'600'000) == Validity::kValid);
}

TEST_CASE("Nothing outlives its authority", "[tls]") {
  SeededRandom random(1);
  const auto ca = CertificateAuthority::Create("Candor fleet", testing::kIssuedMs, random);
  const CertificateRequest request = RequestFor(*PrivateKey::Generate());
  const auto device =
      ca->IssueClient(request, testing::kDevice, testing::kIssuedMs + 3640 * kMsPerDay, random);
  REQUIRE(device->not_after_ms() == ca->certificate().not_after_ms());
}

TEST_CASE("A certificate carries the identity, and the key asked for", "[tls]") {
  SeededRandom random(1);
  const auto ca = CertificateAuthority::Create("Candor fleet", testing::kIssuedMs, random);
  const PrivateKey key = *PrivateKey::Generate();
  const auto device =
      ca->IssueClient(RequestFor(key), testing::kDevice, testing::kIssuedMs, random);
  REQUIRE(device->Uris() == std::vector<std::string>{testing::kDevice.Uri()});
  REQUIRE(*IdentityOf(device->Uris()) == testing::kDevice);
  REQUIRE(device->PublicKeyDer() == key.PublicDer());
  const absl::Status nobody =
      ca->IssueClient(RequestFor(key), {Role::kItAdmin, "Not A Name"}, testing::kIssuedMs, random)
          .status();
  REQUIRE(absl::IsInvalidArgument(nobody));
}

TEST_CASE("Serials are long, positive and never the same", "[tls]") {
  SystemRandom random;
  const auto ca = CertificateAuthority::Create("Candor fleet", testing::kIssuedMs, random);
  const CertificateRequest request = RequestFor(*PrivateKey::Generate());
  std::set<std::string> serials;
  for (int i = 0; i < 100; ++i) {
    const std::string serial =
        ca->IssueClient(request, testing::kDevice, testing::kIssuedMs, random)->Serial();
    REQUIRE(serial.size() == 32);
    REQUIRE(serial[0] < '8');
    serials.insert(serial);
  }
  REQUIRE(serials.size() == 100);
}

TEST_CASE("A server is issued for hosts only", "[tls]") {
  SeededRandom random(1);
  const auto ca = CertificateAuthority::Create("Candor fleet", testing::kIssuedMs, random);
  const CertificateRequest request = RequestFor(*PrivateKey::Generate());
  const auto server =
      ca->IssueServer(request, {"a.example", "10.0.0.1", "fd00::1"}, testing::kIssuedMs, random);
  REQUIRE_OK(server);
  REQUIRE(server->Hosts() == std::vector<std::string>{"a.example", "10.0.0.1", "fd00::1"});
  for (const char* host : {"", "a b", "a,URI:urn:x", "a..b", ".a", "http://a", "a/24", "*.a"}) {
    INFO(host);
    REQUIRE(absl::IsInvalidArgument(
        ca->IssueServer(request, {host}, testing::kIssuedMs, random).status()));
  }
  REQUIRE(
      absl::IsInvalidArgument(ca->IssueServer(request, {}, testing::kIssuedMs, random).status()));
}

TEST_CASE("A request proves that its key is held", "[tls]") {
  const PrivateKey key = *PrivateKey::Generate();
  const std::string der = *MakeCertificateRequest(key);
  REQUIRE(CertificateRequest::FromDer(der)->PublicKeyDer() == key.PublicDer());
  // Every single changed byte is noticed, whether it breaks the form or the signature.
  for (size_t i = 0; i < der.size(); ++i) {
    std::string damaged = der;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    const auto parsed = CertificateRequest::FromDer(damaged);
    INFO("byte " << i);
    REQUIRE(absl::IsInvalidArgument(parsed.status()));
  }
  REQUIRE(absl::IsInvalidArgument(CertificateRequest::FromDer("").status()));
  REQUIRE(absl::IsInvalidArgument(CertificateRequest::FromDer(std::string(5000, 'x')).status()));
}

TEST_CASE("Renewal is due when two thirds of the life are over", "[tls]") {
  SeededRandom random(1);
  const auto ca = CertificateAuthority::Create("Candor fleet", testing::kIssuedMs, random);
  const auto device = ca->IssueClient(RequestFor(*PrivateKey::Generate()), testing::kDevice,
                                      testing::kIssuedMs, random);
  const int64_t due_ms = RenewalDueMs(*device);
  REQUIRE(due_ms - device->not_before_ms() == 2 * (device->not_after_ms() - due_ms));
}

}  // namespace
}  // namespace candor
