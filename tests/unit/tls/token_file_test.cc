#include "common/tls/token_file.h"

#include "common/files.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

absl::StatusOr<std::string> TokenIn(const std::string& text) {
  const testing::TempFolder folder;
  REQUIRE_OK(WriteFileAtomically(folder.File("token"), text, 0600));
  return ReadTokenFile(folder.File("token"));
}

TEST_CASE("a token is found in whatever printed it") {
  const std::string text = GENERATE(
      values<std::string>({" token  uses\n ────\n cnd_abc234  1\n", "{\"token\": \"cnd_abc234\"}",
                           "cnd_abc234", "token,id\ncnd_abc234,tok_abc\n"}));
  const auto token = TokenIn(text);
  REQUIRE_OK(token);
  CHECK(*token == "cnd_abc234");
}

TEST_CASE("no token, half of one and two of them are mistakes that name the file") {
  const std::string text =
      GENERATE(values<std::string>({"", "password", "cnd_", "cnd_!", "cnd_abc cnd_def"}));
  const absl::Status status = TokenIn(text).status();
  CHECK(absl::IsInvalidArgument(status));
  CHECK(status.message().find("/token does not hold exactly one") != std::string::npos);
  CHECK(absl::IsNotFound(ReadTokenFile("/nonexistent/token").status()));
}

}  // namespace
}  // namespace candor
