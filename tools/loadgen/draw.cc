#include "tools/loadgen/draw.h"

#include <algorithm>
#include <cmath>

namespace candor::loadgen {

uint64_t MixSeed(uint64_t seed, uint64_t a, uint64_t b, uint64_t purpose) {
  uint64_t mixed = seed;
  for (const uint64_t part : {a, b, purpose}) {
    mixed = SeededRandom(mixed ^ (part * 0x9e3779b97f4a7c15U)).Next64();
  }
  return mixed;
}

int64_t Draw::Whole(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(high - low + 1)));
}

double Draw::Gauss() {
  // Six draws, two halves each: 32 bits are more than enough for a uniform here.
  double sum = -6.0;
  for (int i = 0; i < 6; ++i) {
    const uint64_t bits = random_.Next64();
    sum += std::ldexp(static_cast<double>(bits >> 32), -32);
    sum += std::ldexp(static_cast<double>(bits & 0xffffffffU), -32);
  }
  return sum;
}

double Draw::Around(double middle, double sigma) { return middle * std::exp(sigma * Gauss()); }

int Draw::Poisson(double mean) {
  const double floor = std::exp(-std::min(mean, 20.0));
  int count = -1;
  double product = 1.0;
  do {
    ++count;
    product *= random_.Unit();
  } while (product > floor);
  return count;
}

}  // namespace candor::loadgen
