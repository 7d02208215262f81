// Draws of the simulation over one seeded generator: the same seed gives the same fleet. One
// thread.
#pragma once

#include <cstdint>

#include "common/random.h"

namespace candor::loadgen {

// Mixes what identifies a stream of draws (seed, laptop, day, purpose) into one seed.
uint64_t MixSeed(uint64_t seed, uint64_t a, uint64_t b, uint64_t purpose);

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  bool Chance(double probability) { return random_.Unit() < probability; }
  // Uniform in [low, high).
  double Between(double low, double high) { return low + (high - low) * random_.Unit(); }
  // Uniform in [low, high], whole numbers.
  int64_t Whole(int64_t low, int64_t high);
  // Standard normal (sum of twelve uniforms less six: bounded by ±6, no tail surprises).
  double Gauss();
  // Log-normal around `middle`, its median.
  double Around(double middle, double sigma);
  // Events at `mean` a period (Knuth's product of uniforms; mean at most 20).
  int Poisson(double mean);
  Random& random() { return random_; }

 private:
  SeededRandom random_;
};

}  // namespace candor::loadgen
