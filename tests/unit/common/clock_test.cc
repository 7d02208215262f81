#include "common/clock.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "tests/support/catch.h"

namespace candor {
namespace {

// The time zone of this process, for as long as the object lives.
class Zone {
 public:
  Zone() {
    if (const char* zone = getenv("TZ")) before_ = zone;
  }
  ~Zone() { before_ ? setenv("TZ", before_->c_str(), 1) : unsetenv("TZ"); }
  static void Set(const char* zone) { setenv("TZ", zone, 1); }

 private:
  std::optional<std::string> before_;
};

TEST_CASE("a clock follows the traveller into another time zone") {
  const Zone zone;
  const SystemClock clock;
  Zone::Set("UTC0");
  REQUIRE(clock.UtcOffsetMin(clock.WallMs()) == 0);
  Zone::Set("JST-9");
  REQUIRE(clock.UtcOffsetMin(clock.WallMs()) == 540);
  Zone::Set("NST3:30");
  REQUIRE(clock.UtcOffsetMin(clock.WallMs()) == -210);
}

TEST_CASE("clocks that count durations never go back") {
  const SystemClock clock;
  const int64_t boottime_ms = clock.BoottimeMs();
  const int64_t monotonic_ms = clock.MonotonicMs();
  REQUIRE(clock.BoottimeMs() >= boottime_ms);
  REQUIRE(clock.MonotonicMs() >= monotonic_ms);
  REQUIRE(boottime_ms + 1 >= monotonic_ms);
}

}  // namespace
}  // namespace candor
