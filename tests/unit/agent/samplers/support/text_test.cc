#include "agent/samplers/support/text.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("Trim takes white space off both ends and nothing else") {
  CHECK(Trim("  a b\t\n") == "a b");
  CHECK(Trim(" \n ").empty());
  CHECK(Trim("").empty());
}

TEST_CASE("Split leaves out empty pieces") {
  CHECK(Split("a  b c", ' ') == std::vector<std::string_view>{"a", "b", "c"});
  CHECK(Split("\nx\n", '\n') == std::vector<std::string_view>{"x"});
  CHECK(Split("", ' ').empty());
}

TEST_CASE("Between finds what stands between two marks") {
  CHECK(Between("in libc.so.6[7f00+1000]", "in ", "[") == "libc.so.6");
  CHECK_FALSE(Between("in libc.so.6", "in ", "["));
  CHECK_FALSE(Between("libc[", "in ", "["));
}

TEST_CASE("a number is the whole text or none") {
  CHECK(ParseNumber<int64_t>(" -42\n") == -42);
  CHECK_FALSE(ParseNumber<int64_t>("42x"));
  CHECK_FALSE(ParseNumber<int64_t>(""));
  CHECK_FALSE(ParseNumber<uint32_t>("4294967296"));
  CHECK_FALSE(ParseNumber<uint32_t>("-1"));
}

}  // namespace
}  // namespace candor
