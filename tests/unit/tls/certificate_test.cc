#include "common/tls/certificate.h"

#include "common/hash.h"
#include "common/random.h"
#include "common/time_units.h"
#include "common/tls/authority.h"
#include "tests/support/catch.h"
#include "tests/unit/tls/test_authority.h"

namespace candor {
namespace {

bool Says(const absl::Status& status, std::string_view text) {
  return status.ToString().find(text) != std::string::npos;
}

TEST_CASE("A certificate comes back from PEM and DER", "[tls]") {
  testing::TestAuthority fleet;
  const Certificate device = fleet.Device();
  REQUIRE(Certificate::FromPem(device.Pem())->Fingerprint() == device.Fingerprint());
  REQUIRE(Certificate::FromDer(device.Der())->Fingerprint() == device.Fingerprint());
  REQUIRE(device.Fingerprint() == ToHex(Sha256(device.Der())));
  REQUIRE(absl::IsInvalidArgument(Certificate::FromDer(device.Der() + "x").status()));
  REQUIRE(absl::IsInvalidArgument(Certificate::FromDer("").status()));
  REQUIRE(absl::IsInvalidArgument(Certificate::FromPem("none").status()));
}

TEST_CASE("A chain is read in order, up to its limit", "[tls]") {
  testing::TestAuthority fleet;
  const std::string both = fleet.Device().Pem() + fleet.ca.certificate().Pem();
  const auto chain = Certificate::ChainFromPem(both);
  REQUIRE_OK(chain);
  REQUIRE(chain->size() == 2);
  REQUIRE(chain->back().IsCa());
  std::string many;
  for (int i = 0; i < 9; ++i) many += fleet.ca.certificate().Pem();
  REQUIRE(absl::IsInvalidArgument(Certificate::ChainFromPem(many).status()));
}

TEST_CASE("Dates are named when they are wrong", "[tls]") {
  testing::TestAuthority fleet;
  const Certificate device = fleet.Device();
  REQUIRE_OK(device.CheckDates(testing::kIssuedMs, "the laptop's"));
  const absl::Status late = device.CheckDates(testing::kIssuedMs + 31 * kMsPerDay, "the laptop's");
  REQUIRE(absl::IsFailedPrecondition(late));
  REQUIRE(Says(late, "the laptop's certificate expired at 2026-10-"));
  REQUIRE(device.ValidityAt(testing::kIssuedMs + 31 * kMsPerDay) == Validity::kExpired);
  const absl::Status early = device.CheckDates(testing::kIssuedMs - 2 * kMsPerDay, "the laptop's");
  REQUIRE(Says(early, "is not valid before"));
  REQUIRE(device.ValidityAt(testing::kIssuedMs - 2 * kMsPerDay) == Validity::kNotYetValid);
}

TEST_CASE("A server is checked by authority, purpose, dates and host", "[tls]") {
  testing::TestAuthority fleet;
  const Certificate server = fleet.Server({"collector.example", "127.0.0.1", "::1"});
  const Certificate& ca = fleet.ca.certificate();
  REQUIRE_OK(VerifyIssuedBy(server, ca, Purpose::kServer, testing::kIssuedMs, "the collector's"));

  testing::TestAuthority other;
  other.random = SeededRandom(8);
  const absl::Status foreign = VerifyIssuedBy(server, other.ca.certificate(), Purpose::kServer,
                                              testing::kIssuedMs, "the collector's");
  REQUIRE(absl::IsUnauthenticated(foreign));
  REQUIRE(Says(foreign, "not issued by the fleet's authority"));

  const absl::Status expired = VerifyIssuedBy(
      server, ca, Purpose::kServer, testing::kIssuedMs + 366 * kMsPerDay, "the collector's");
  REQUIRE(absl::IsFailedPrecondition(expired));
  REQUIRE(Says(expired, "the collector's certificate expired"));
  const absl::Status old = VerifyIssuedBy(server, ca, Purpose::kServer,
                                          testing::kIssuedMs + 3651 * kMsPerDay, "the collector's");
  REQUIRE(absl::IsFailedPrecondition(old));

  const absl::Status device =
      VerifyIssuedBy(fleet.Device(), ca, Purpose::kServer, testing::kIssuedMs, "the collector's");
  REQUIRE(absl::IsUnauthenticated(device));
  REQUIRE(Says(device, "certificate purpose"));
}

TEST_CASE("A certificate serves the hosts it names and no other", "[tls]") {
  testing::TestAuthority fleet;
  const Certificate server = fleet.Server({"collector.example", "127.0.0.1", "::1"});
  for (const char* host : {"collector.example", "COLLECTOR.example", "127.0.0.1", "::1"}) {
    INFO(host);
    REQUIRE_OK(server.CheckHost(host));
  }
  for (const char* host : {"example", "a.collector.example", "127.0.0.2", "::2", ""}) {
    INFO(host);
    REQUIRE(absl::IsInvalidArgument(server.CheckHost(host)));
  }
  REQUIRE(Says(server.CheckHost("other"),
               "the certificate is for collector.example, 127.0.0.1, ::1, not for other"));
}

TEST_CASE("A signature is its key's and its bytes' alone", "[tls]") {
  testing::TestAuthority fleet;
  const Certificate device = fleet.Device();
  const std::string signature = *fleet.key.Sign("the bytes");
  REQUIRE_OK(device.VerifySignature("the bytes", signature));
  REQUIRE(absl::IsUnauthenticated(device.VerifySignature("other bytes", signature)));
  REQUIRE(absl::IsUnauthenticated(device.VerifySignature("the bytes", "")));
  REQUIRE(absl::IsUnauthenticated(device.VerifySignature("the bytes", signature.substr(1))));
  const std::string foreign = *PrivateKey::Generate()->Sign("the bytes");
  REQUIRE(absl::IsUnauthenticated(device.VerifySignature("the bytes", foreign)));
}

TEST_CASE("A fingerprint is compared whatever its case and colons", "[tls]") {
  testing::TestAuthority fleet;
  const Certificate& ca = fleet.ca.certificate();
  std::string colons;
  std::string upper;
  for (const char c : ca.Fingerprint()) {
    if (upper.size() % 2 == 0 && !upper.empty()) colons += ':';
    upper += static_cast<char>(std::toupper(c));
    colons += upper.back();
  }
  REQUIRE_OK(CheckFingerprint(ca, ca.Fingerprint()));
  REQUIRE_OK(CheckFingerprint(ca, upper));
  REQUIRE_OK(CheckFingerprint(ca, colons));
  REQUIRE(absl::IsInvalidArgument(CheckFingerprint(ca, "abcd")));
  REQUIRE(absl::IsInvalidArgument(CheckFingerprint(ca, std::string(64, 'x'))));
  REQUIRE(absl::IsUnauthenticated(CheckFingerprint(ca, std::string(64, 'a'))));
}

TEST_CASE("A certificate knows its own key", "[tls]") {
  testing::TestAuthority fleet;
  REQUIRE_OK(fleet.Device().CheckKey(fleet.key));
  REQUIRE(absl::IsInvalidArgument(fleet.Device().CheckKey(*PrivateKey::Generate())));
}

}  // namespace
}  // namespace candor
