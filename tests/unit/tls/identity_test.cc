#include "common/tls/identity.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr char kDevice[] = "0f8fad5b-d9cb-469f-a165-70867728950e";

TEST_CASE("An identity comes back from its URI", "[tls]") {
  const Identity identity =
      GENERATE(Identity{Role::kAgent, kDevice}, Identity{Role::kItAdmin, "alice"},
               Identity{Role::kItRead, "grafana-1"}, Identity{Role::kHr, "b.c_d"});
  const auto parsed = ParseIdentity(identity.Uri());
  REQUIRE_OK(parsed);
  REQUIRE(*parsed == identity);
}

TEST_CASE("Identities are written as documented", "[tls]") {
  REQUIRE(Identity{Role::kAgent, kDevice}.Uri() == std::string("urn:candor:device:") + kDevice);
  REQUIRE(Identity{Role::kItAdmin, "alice"}.Uri() == "urn:candor:role:it-admin:alice");
  REQUIRE(Identity{Role::kItAdmin, "alice"}.Text() == "it-admin:alice");
}

TEST_CASE("What is no identity is refused", "[tls]") {
  const std::string uri = GENERATE(
      "", "urn:candor:device:", "urn:candor:device:alice", "urn:candor:role:it-admin",
      "urn:candor:role:it-admin:", "urn:candor:role:root:alice", "urn:candor:role:it-admin:Alice",
      "urn:candor:role:it-admin:a b", "urn:candor:role:it-admin:a:b", "https://example.org",
      "URN:candor:role:hr:alice", "urn:candor:device:0F8FAD5B-D9CB-469F-A165-70867728950E",
      "urn:candor:role:agent:0f8fad5b-d9cb-469f-a165-70867728950e");
  REQUIRE(absl::IsInvalidArgument(ParseIdentity(uri).status()));
}

TEST_CASE("A name has at most 64 characters", "[tls]") {
  REQUIRE_OK(ParseIdentity("urn:candor:role:hr:" + std::string(64, 'a')));
  REQUIRE_FALSE(ParseIdentity("urn:candor:role:hr:" + std::string(65, 'a')).ok());
}

TEST_CASE("A certificate names exactly one identity", "[tls]") {
  REQUIRE(IdentityOf({"urn:candor:role:hr:carol"})->name == "carol");
  REQUIRE(absl::IsUnauthenticated(IdentityOf({}).status()));
  REQUIRE(absl::IsUnauthenticated(IdentityOf({"https://example.org"}).status()));
  REQUIRE(absl::IsUnauthenticated(
      IdentityOf({"urn:candor:role:hr:carol", "urn:candor:role:it-admin:carol"}).status()));
}

}  // namespace
}  // namespace candor
