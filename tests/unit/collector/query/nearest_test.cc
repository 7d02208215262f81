#include "collector/query/nearest.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("A misspelt name finds the ones it was meant to be") {
  const Names names = {"score", "boot_s", "disk_free_gib", "department", "host"};
  REQUIRE(NearestNames("scroe", names) == Names{"score"});
  REQUIRE(NearestNames("boot", names) == Names{"boot_s"});
  REQUIRE(NearestNames("DEPARTMENT", names) == Names{"department"});
  REQUIRE(NearestNames("disk", names) == Names{"disk_free_gib"});
  REQUIRE(NearestNames("xyzxyzxyz", names).empty());
}

TEST_CASE("At most three names are offered, nearest first") {
  const Names names = {"ab1", "ab2", "ab3", "ab4", "abc"};
  REQUIRE(NearestNames("abc", names) == Names{"abc", "ab1", "ab2"});
  REQUIRE(DidYouMean("abc", names) == " (did you mean abc, ab1, ab2?)");
  REQUIRE(DidYouMean("something else", names).empty());
}

}  // namespace
}  // namespace candor
