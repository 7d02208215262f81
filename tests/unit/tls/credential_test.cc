#include "common/tls/credential.h"

#include <sys/stat.h>

#include "common/files.h"
#include "common/random.h"
#include "common/tls/authority.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/tls/test_authority.h"

namespace candor {
namespace {

Credential Make() {
  SeededRandom random(3);
  const auto ca = CertificateAuthority::Create("Fleet", testing::kIssuedMs, random);
  const PrivateKey key = *PrivateKey::Generate();
  const auto request = CertificateRequest::FromDer(*MakeCertificateRequest(key));
  const auto certificate =
      ca->IssueClient(*request, {Role::kItAdmin, "admin"}, testing::kIssuedMs, random);
  return {"collector.example:7443", ca->certificate().Pem(), certificate->Pem(), key.Pem()};
}

TEST_CASE("A credential comes back from its file", "[tls]") {
  const testing::TempFolder folder;
  const Credential credential = Make();
  REQUIRE_OK(SaveCredential(folder.File("admin.toml"), credential, "Two lines\nof comment = \""));
  struct stat info = {};
  REQUIRE(stat(folder.File("admin.toml").c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0600);
  REQUIRE(ReadFile(folder.File("admin.toml"))->starts_with("# Two lines\n# of comment = \"\n"));
  const auto loaded = LoadCredential(folder.File("admin.toml"));
  REQUIRE_OK(loaded);
  REQUIRE(loaded->collector == credential.collector);
  REQUIRE(loaded->ca_pem == credential.ca_pem);
  REQUIRE(loaded->certificate_pem == credential.certificate_pem);
  REQUIRE(loaded->key_pem == credential.key_pem);
}

TEST_CASE("A credential that others may read is refused", "[tls]") {
  const testing::TempFolder folder;
  REQUIRE_OK(SaveCredential(folder.File("admin.toml"), Make(), ""));
  REQUIRE(chmod(folder.File("admin.toml").c_str(), 0644) == 0);
  REQUIRE(absl::IsFailedPrecondition(LoadCredential(folder.File("admin.toml")).status()));
}

TEST_CASE("What is wrong in a credential is named", "[tls]") {
  const testing::TempFolder folder;
  Credential credential = Make();
  std::string wrong = "key";
  SECTION("another key") {
    credential.key_pem = PrivateKey::Generate()->Pem(), wrong = "certificate";
  }
  SECTION("no key") { credential.key_pem = ""; }
  SECTION("no address") { credential.collector = "collector", wrong = "collector"; }
  SECTION("no authority") { credential.ca_pem = "PEM", wrong = "ca"; }
  REQUIRE_OK(SaveCredential(folder.File("admin.toml"), credential, ""));
  const absl::Status status = LoadCredential(folder.File("admin.toml")).status();
  REQUIRE(absl::IsInvalidArgument(status));
  REQUIRE(status.ToString().find("admin.toml: " + wrong + ": ") != std::string::npos);
}

TEST_CASE("Text is escaped for TOML", "[tls]") {
  REQUIRE(TomlString("a") == "\"a\"");
  REQUIRE(TomlString("a\"b\\c\n") == "\"a\\\"b\\\\c\\u000a\"");
}

}  // namespace
}  // namespace candor
