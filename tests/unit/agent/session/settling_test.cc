#include "agent/session/settling.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

constexpr int64_t kReadingUs = 1'000'000;

// A desktop that appeared at second 100; feeds a reading a second, each with so much newly stalled.
struct AppearedDesktop {
  std::optional<int64_t> Second(int64_t memory_us, int64_t io_us) {
    now_us += kReadingUs;
    totals.memory_us += memory_us;
    totals.io_us += io_us;
    return settling.Update(now_us, totals);
  }
  int64_t now_us = 99 * kReadingUs + kReadingUs / 20;
  Settling::Stalls totals{7'000'000, 9'000'000};
  Settling settling{100 * kReadingUs};
};

TEST_CASE("a desktop that waits for nothing is settled when it appears") {
  AppearedDesktop desktop;
  for (int i = 0; i < 3; ++i) CHECK_FALSE(desktop.Second(0, 0));
  CHECK(desktop.Second(1'000, 99'000) == 100 * kReadingUs);
}

TEST_CASE("a desktop is settled after its last second of stalls, of memory or disk") {
  AppearedDesktop desktop;
  CHECK_FALSE(desktop.Second(0, 0));
  CHECK_FALSE(desktop.Second(0, 800'000));
  CHECK_FALSE(desktop.Second(0, 0));
  CHECK_FALSE(desktop.Second(110'000, 0));
  const int64_t last_us = desktop.now_us;
  CHECK_FALSE(desktop.Second(100'000, 100'000));
  CHECK_FALSE(desktop.Second(0, 0));
  CHECK(desktop.Second(0, 0) == last_us);
}

TEST_CASE("what nobody saw before the first reading is not called quiet") {
  Settling settling(100 * kReadingUs);
  CHECK_FALSE(settling.Update(104 * kReadingUs, {}));
  CHECK_FALSE(settling.Update(106 * kReadingUs, {}));
  CHECK(settling.Update(107 * kReadingUs, {}) == 104 * kReadingUs);
}

TEST_CASE("a desktop that never settles is told as long as it was looked at") {
  AppearedDesktop desktop;
  std::optional<int64_t> settled;
  int seconds = 0;
  while (!settled && seconds < 1'000) {
    settled = desktop.Second(0, 500'000);
    ++seconds;
  }
  CHECK(settled == 100 * kReadingUs + Settling::kAfterUsMax);
  CHECK(seconds <= 122);
}

}  // namespace
}  // namespace candor
