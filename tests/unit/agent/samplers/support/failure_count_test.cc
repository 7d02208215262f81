#include "agent/samplers/support/failure_count.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("what never worked is told at once, what failed just now only when it goes on failing") {
  FailureCount failures;
  REQUIRE(failures.Lasting());
  failures.Succeeded();
  for (int i = 0; i < 2; ++i) {
    REQUIRE_FALSE(failures.Lasting());
    REQUIRE_FALSE(failures.Lasting());
    failures.Succeeded();
  }
  REQUIRE_FALSE(failures.Lasting());
  REQUIRE_FALSE(failures.Lasting());
  for (int i = 0; i < 10; ++i) REQUIRE(failures.Lasting());
}

}  // namespace
}  // namespace candor
