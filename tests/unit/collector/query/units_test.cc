#include "collector/query/units.h"

#include <string>

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("A column's unit is read from the end of its name") {
  struct Example {
    const char* column;
    const char* unit;
    double factor;
  };
  const Example example = GENERATE(values<Example>({
      {"boot_s", "s", 1},
      {"rtt_ms", "ms", 1e-3},
      {"rtt_ms_p95", "ms", 1e-3},
      {"rtt_ms_change", "ms", 1e-3},
      {"lost_min_per_day", "min", 60},
      {"lost_min", "min", 60},
      {"disk_free_gib", "GiB", 1073741824},
      {"loss_pct", "%", 1},
      {"score", "", 1},
      {"crashes", "", 1},
      {"system", "", 1},
      {"s", "", 1},
      {"p95", "", 1},
  }));
  INFO(example.column);
  const Unit unit = UnitOfColumn(example.column);
  REQUIRE(std::string(unit.name) == example.unit);
  REQUIRE(unit.factor == Approx(example.factor));
}

TEST_CASE("A word that is no unit is none") {
  REQUIRE_FALSE(ParseUnit("parsec"));
  REQUIRE_FALSE(ParseUnit(""));
  REQUIRE(ParseUnit("KiB")->factor == 1024);
}

}  // namespace
}  // namespace candor
