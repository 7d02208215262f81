// When a desktop that has appeared can be worked with: as soon as nothing waits for memory or disk
// any more. Fed with the kernel's stall totals (PSI, "some") once a second; plain arithmetic over
// one clock, microseconds. One thread.
#pragma once

#include <cstdint>
#include <optional>

namespace candor {

class Settling {
 public:
  // A desktop is settled at the beginning of the first span this long in which …
  static constexpr int64_t kQuietUs = 3'000'000;
  // … no second had more than this share of it stalled, in hundredths.
  static constexpr int64_t kStalledPctMax = 10;
  // After so long it is told as it is: not settled within that time.
  static constexpr int64_t kAfterUsMax = 120'000'000;
  // What lies less than this before the first reading is taken to be like what follows.
  static constexpr int64_t kUnseenUsMax = 1'000'000;

  struct Stalls {
    int64_t memory_us = 0;
    int64_t io_us = 0;
  };

  // The desktop appeared at `desktop_us`.
  explicit Settling(int64_t desktop_us) : desktop_us_(desktop_us) {}

  // The totals at `now_us`. Gives the moment at which the desktop was settled, once it is known;
  // from then on it is not to be called any more.
  std::optional<int64_t> Update(int64_t now_us, Stalls totals);

 private:
  const int64_t desktop_us_;
  std::optional<int64_t> last_us_;
  Stalls last_;
  int64_t quiet_since_us_ = 0;
};

}  // namespace candor
