#include "agent/windows/text.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("text is cut between characters, and bytes that are no text become question marks") {
  struct Case {
    std::string text;
    size_t bytes_max;
    std::string clean;
  };
  const auto c = GENERATE(values<Case>({
      {"firefox", 100, "firefox"},
      {"firefox", 4, "fire"},
      {"", 4, ""},
      {"Bücher", 100, "Bücher"},
      {"Bücher", 2, "B"},
      {"日本", 5, "日"},
      {"\xf0\x9f\x98\x80!", 100, "\xf0\x9f\x98\x80!"},
      {"a\xff"
       "b",
       100, "a?b"},
      {"\xc0\xaf", 100, "??"},            // overlong
      {"\xed\xa0\x80", 100, "???"},       // surrogate
      {"\xf4\x90\x80\x80", 100, "????"},  // beyond U+10FFFF
      {"\xe6\x97", 100, "??"},            // cut off
  }));
  REQUIRE(CleanText(c.text, c.bytes_max) == c.clean);
}

}  // namespace
}  // namespace candor
