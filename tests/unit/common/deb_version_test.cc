#include "common/deb_version.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("versions of Debian packages have an order") {
  // Each is older than the next.
  const std::vector<std::string> ascending = {"0~~",
                                              "0~~a",
                                              "0~",
                                              "0",
                                              "0a",
                                              "0+x",
                                              "1.0~rc1-1",
                                              "1.0-1",
                                              "1.0-1+b1",
                                              "1.0-1.1",
                                              "1.0-2~bpo12+1",
                                              "1.0-2",
                                              "1.0-10",
                                              "1.0.1-1",
                                              "1.9",
                                              "1.10",
                                              "3.0.11-1~deb12u2",
                                              "3.0.15-1~deb12u1",
                                              "3.0.100",
                                              "2025a-0+deb12u1",
                                              "1:0.5",
                                              "1:1.0",
                                              "2:0"};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      INFO(ascending[i] + " and " + ascending[j]);
      const int order = CompareDebVersions(ascending[i], ascending[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order > 0) == (i > j));
    }
  }
  CHECK(CompareDebVersions("0:1.0-1", "1.0-1") == 0);
  CHECK(CompareDebVersions("1.00", "1.0") == 0);
  CHECK(CompareDebVersions("1.0-0", "1.0") == 0);
  CHECK(CompareDebVersions("", "") == 0);
  CHECK(CompareDebVersions("99999999999999999999999", "100000000000000000000000") < 0);
}

}  // namespace
}  // namespace candor
