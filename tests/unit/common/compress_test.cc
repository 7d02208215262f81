#include "common/compress.h"

#include "tests/support/catch.h"

namespace candor {

TEST_CASE("what goes in comes out") {
  const std::string text = GENERATE(std::string(), std::string("x"), std::string(100'000, 'a'));
  REQUIRE(*Decompress(Compress(text), 100'000) == text);
}

TEST_CASE("the limit on what comes out holds to the byte") {
  const std::string frame = Compress(std::string(1'000, 'a'));
  REQUIRE_OK(Decompress(frame, 1'000));
  REQUIRE(Decompress(frame, 999).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("damaged and cut frames are errors") {
  const std::string frame =
      Compress("some text that is long enough to be worth a frame of its own");
  REQUIRE_FALSE(Decompress(frame.substr(0, frame.size() - 4), 1'000).ok());
  REQUIRE_FALSE(Decompress("not a frame", 1'000).ok());
  REQUIRE_FALSE(Decompress("", 1'000).ok());
}

}  // namespace candor
