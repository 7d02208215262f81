#include "collector/identity/token.h"

#include <set>

#include "common/hash.h"
#include "test_fleet.h"

namespace candor {
namespace {

using testing::TestFleet;

TEST_CASE("A token is 160 random bits one can copy", "[token]") {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string text = MakeTokenText(random);
    REQUIRE(text.size() == 36);
    REQUIRE(text.starts_with("cnd_"));
    REQUIRE(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567", 4) == std::string::npos);
    seen.insert(text);
  }
  REQUIRE(seen.size() == 100);
}

TEST_CASE("Base32 is RFC 4648's", "[token]") {
  struct Fixed final : Random {
    uint64_t Next64() override { return 0x6f'6f'6f'61'62'6f'6f'66; }  // "fooba" comes first
  } random;
  REQUIRE(MakeTokenId(random) == "tok_mzxw6ytb");
}

TEST_CASE("A token serves as often as it has uses", "[token]") {
  TestFleet fleet;
  const std::string text = fleet.Token(2);
  const auto use = [&] {
    return fleet.writer->Run([&](Database& db) -> absl::Status {
      const auto token = FindToken(db, TokenHash(text));
      if (!token.ok()) return token.status();
      return UseToken(db, *token, fleet.clock.WallMs());
    });
  };
  REQUIRE_OK(use());
  REQUIRE_OK(use());
  const absl::Status third = use();
  REQUIRE(absl::IsPermissionDenied(third));
  REQUIRE(third.ToString().find("used up") != std::string::npos);
}

TEST_CASE("A token ends with its time", "[token]") {
  TestFleet fleet;
  const std::string text = fleet.Token(10, 3600);
  const auto use = [&] {
    return fleet.writer->Run([&](Database& db) {
      return UseToken(db, *FindToken(db, TokenHash(text)), fleet.clock.WallMs());
    });
  };
  fleet.clock.Advance(3'599'999);
  REQUIRE_OK(use());
  fleet.clock.Advance(1);
  REQUIRE(use().ToString().find("expired") != std::string::npos);
}

TEST_CASE("The store keeps no token, only its hash", "[token]") {
  TestFleet fleet;
  const std::string text = fleet.Token();
  REQUIRE_OK(fleet.writer->Run([&](Database& db) -> absl::Status {
    REQUIRE(*db.QueryText("SELECT hash FROM token") == Sha256(text));
    return absl::OkStatus();
  }));
}

TEST_CASE("Unknown and revoked tokens are refused", "[token]") {
  TestFleet fleet;
  const std::string text = fleet.Token();
  const auto find = [&](const std::string& token) {
    return fleet.writer->Run(
        [&](Database& db) { return FindToken(db, TokenHash(token)).status(); });
  };
  const auto revoke = [&](const std::string& id) {
    return fleet.writer->Run([&](Database& db) { return RevokeToken(db, id); });
  };
  REQUIRE(absl::IsPermissionDenied(find("cnd_other")));
  REQUIRE_OK(find(text));
  REQUIRE_OK(revoke(fleet.last_token_id));
  REQUIRE_OK(revoke(fleet.last_token_id));
  REQUIRE(absl::IsPermissionDenied(find(text)));
  REQUIRE(absl::IsNotFound(revoke("tok_none")));
}

}  // namespace
}  // namespace candor
