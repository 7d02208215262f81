#include "common/tls/key.h"

#include <sys/stat.h>

#include "common/files.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

TEST_CASE("A key comes back from its PEM", "[tls]") {
  const auto key = PrivateKey::Generate();
  REQUIRE_OK(key);
  const auto again = PrivateKey::FromPem(key->Pem());
  REQUIRE_OK(again);
  REQUIRE(again->PublicDer() == key->PublicDer());
}

TEST_CASE("Two keys are different", "[tls]") {
  REQUIRE(PrivateKey::Generate()->PublicDer() != PrivateKey::Generate()->PublicDer());
}

TEST_CASE("A saved key is its owner's alone", "[tls]") {
  const testing::TempFolder folder;
  const auto key = PrivateKey::Generate();
  REQUIRE_OK(key->Save(folder.File("key.pem")));
  struct stat info = {};
  REQUIRE(stat(folder.File("key.pem").c_str(), &info) == 0);
  REQUIRE((info.st_mode & 0777) == 0600);
  const auto loaded = PrivateKey::Load(folder.File("key.pem"));
  REQUIRE_OK(loaded);
  REQUIRE(loaded->PublicDer() == key->PublicDer());
}

TEST_CASE("A key that others may read is refused", "[tls]") {
  const mode_t mode = GENERATE(0640u, 0604u, 0660u, 0644u);
  const testing::TempFolder folder;
  REQUIRE_OK(PrivateKey::Generate()->Save(folder.File("key.pem")));
  REQUIRE(chmod(folder.File("key.pem").c_str(), mode) == 0);
  const auto loaded = PrivateKey::Load(folder.File("key.pem"));
  REQUIRE(absl::IsFailedPrecondition(loaded.status()));
  REQUIRE(loaded.status().message().find("key.pem") != absl::string_view::npos);
}

TEST_CASE("What is not a P-256 key in PEM is refused", "[tls]") {
  REQUIRE(absl::IsInvalidArgument(PrivateKey::FromPem("").status()));
  REQUIRE(absl::IsInvalidArgument(PrivateKey::FromPem("-----BEGIN PRIVATE KEY-----\n").status()));
  // openssl genpkey -algorithm ed25519
  const auto other = PrivateKey::FromPem(
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
      "-----END PRIVATE KEY-----\n");
  REQUIRE(absl::IsInvalidArgument(other.status()));
  REQUIRE(other.status().message().find("P-256") != absl::string_view::npos);
}

TEST_CASE("A damaged key file is named", "[tls]") {
  const testing::TempFolder folder;
  REQUIRE_OK(WriteFileAtomically(folder.File("key.pem"), "nonsense", 0600));
  const auto loaded = PrivateKey::Load(folder.File("key.pem"));
  REQUIRE(absl::IsInvalidArgument(loaded.status()));
  REQUIRE(loaded.status().message().find(folder.path()) != absl::string_view::npos);
}

}  // namespace
}  // namespace candor
