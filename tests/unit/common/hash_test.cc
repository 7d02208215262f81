#include "common/hash.h"

#include "tests/support/catch.h"

namespace candor {

TEST_CASE("SHA-256, HMAC and HKDF agree with their standards") {
  // FIPS 180-2 appendix B.1; RFC 4231 case 2; RFC 5869 case 1.
  REQUIRE(ToHex(Sha256("abc")) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  REQUIRE(ToHex(HmacSha256("Jefe", "what do ya want for nothing?")) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::string key = *FromHex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
  REQUIRE(ToHex(HkdfSha256(key, *FromHex("000102030405060708090a0b0c"),
                           *FromHex("f0f1f2f3f4f5f6f7f8f9"), 42)) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST_CASE("hexadecimal goes both ways and says where it is wrong") {
  REQUIRE(*FromHex("00FFa1") == std::string("\x00\xff\xa1", 3));
  REQUIRE(*FromHex("00:FF:a1") == std::string("\x00\xff\xa1", 3));
  REQUIRE(*FromHex("") == "");
  REQUIRE(std::string(FromHex("00g1").status().message()).find("character 3") != std::string::npos);
  REQUIRE_FALSE(FromHex("0").ok());
  REQUIRE_FALSE(FromHex("0:0").ok());
}

TEST_CASE("secrets compare by content") {
  REQUIRE(EqualSecret("token", "token"));
  REQUIRE_FALSE(EqualSecret("token", "tokem"));
  REQUIRE_FALSE(EqualSecret("token", "toke"));
  REQUIRE(EqualSecret("", ""));
}

TEST_CASE("a UUID has its version and variant") {
  REQUIRE(UuidText(std::string(16, '\xff')) == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  REQUIRE(UuidText(std::string(16, '\0')) == "00000000-0000-4000-8000-000000000000");
}

}  // namespace candor
