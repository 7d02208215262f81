#include "tests/support/marks.h"

#include "common/compress.h"
#include "common/hash.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

using testing::Marks;

std::string Amid(const std::string& bytes) {
  return std::string(1'000, '\x28') + bytes + std::string(70'000, 'n');
}

TEST_CASE("a mark is found in any case, inside of words and inside of zstd frames") {
  Marks marks;
  const std::string mark = marks.Make("login");
  CHECK(mark.size() == 13);
  CHECK(mark != Marks().Make("login"));
  std::string upper = mark;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  CHECK(marks.FoundIn(Amid("")).empty());
  CHECK(marks.FoundIn("").empty());
  for (const std::string& text : {mark, upper, "/home/" + mark + "/x"}) {
    CAPTURE(text);
    CHECK(marks.FoundIn(text) == std::vector{"the mark " + mark});
    CHECK(marks.FoundIn(Amid(text)).size() == 1);
    CHECK(marks.FoundIn(Amid(Compress(Amid(text)))).size() == 1);
    CHECK(marks.FoundIn("a" + Compress(Amid(Compress(text))) + "b").size() == 1);
  }
  // What of a frame is there is looked at, the rest is not needed.
  const std::string frame = Compress(mark + Amid(mark));
  CHECK(marks.FoundIn(frame.substr(0, frame.size() - 3)).size() == 1);
}

TEST_CASE("a hash of a marked text is found as bytes, text and number") {
  Marks marks;
  const std::string path = "/home/" + marks.Make("login") + "/budget.txt";
  marks.Add(path);
  const std::string sha256 = Sha256(path);
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) number = number << 8 | static_cast<uint8_t>(sha256[i]);
  const std::vector<std::string> expected = {"the SHA256 hash of " + path};
  for (const std::string& trace :
       {sha256, sha256.substr(0, 8), ToHex(sha256), ToHex(sha256.substr(0, 8)),
        std::to_string(number), std::to_string(static_cast<int64_t>(number)),
        Compress("hash " + ToHex(sha256))}) {
    CHECK(marks.FoundIn(Amid(trace)) == expected);
  }
  CHECK(marks.FoundIn(Amid(Sha256("with a key" + path))).empty());
  CHECK(marks.FoundIn(Amid(Sha256(path + "\n"))) == expected);
  CHECK(marks.FoundIn(Amid(Sha256("/home/other/budget.txt"))).empty());
}

}  // namespace
}  // namespace candor
