#include "agent/samplers/support/clean_text.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("control characters become blanks, white space at the ends goes") {
  CHECK(CleanText(" Latitude\t7420\n", 100) == "Latitude 7420");
  CHECK(CleanText(std::string_view("a\0b", 3), 100) == "a b");
}

TEST_CASE("whole UTF-8 characters stay, other bytes become question marks") {
  CHECK(CleanText("Büro \xE2\x82\xAC \xF0\x9F\x92\xBB", 100) ==
        "Büro \xE2\x82\xAC \xF0\x9F\x92\xBB");
  CHECK(CleanText("a\xFFz", 100) == "a?z");
  CHECK(CleanText("\xC0\xAF", 100) == "??");            // overlong
  CHECK(CleanText("\xED\xA0\x80", 100) == "???");       // surrogate
  CHECK(CleanText("\xF4\x90\x80\x80", 100) == "????");  // beyond Unicode
  CHECK(CleanText("\xE2\x82", 100) == "??");            // cut short
}

TEST_CASE("a cut falls between characters") {
  CHECK(CleanText("aé", 2) == "a");
  CHECK(CleanText("aé", 3) == "aé");
  CHECK(CleanText("abc", 0).empty());
}

}  // namespace
}  // namespace candor
