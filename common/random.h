// The randomness seam: epochs, keys and jitter take a Random&, so that a test can seed them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace candor {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next64() = 0;

  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound);
  // Uniform in [0, 1).
  double Unit();
  // `size` random bytes.
  std::string Bytes(size_t size);
};

// The kernel's generator (getrandom). Any thread.
class SystemRandom final : public Random {
 public:
  uint64_t Next64() override;
};

// A seeded generator (splitmix64): the same seed gives the same numbers on every machine. One
// thread at a time.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next64() override;

 private:
  uint64_t state_;
};

}  // namespace candor
