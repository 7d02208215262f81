#include "common/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace candor {

uint64_t Random::Below(uint64_t bound) {
  // Rejects the few lowest values that would make small results likelier.
  const uint64_t threshold = (0 - bound) % bound;
  while (true) {
    const uint64_t value = Next64();
    if (value >= threshold) return value % bound;
  }
}

double Random::Unit() { return static_cast<double>(Next64() >> 11) * 0x1.0p-53; }

std::string Random::Bytes(size_t size) {
  std::string bytes;
  bytes.reserve(size + 7);
  while (bytes.size() < size) {
    uint64_t value = Next64();
    for (int i = 0; i < 8; ++i, value >>= 8) bytes.push_back(static_cast<char>(value & 0xff));
  }
  bytes.resize(size);
  return bytes;
}

uint64_t SystemRandom::Next64() {
  uint64_t value = 0;
  ssize_t got = 0;
  do {
    got = getrandom(&value, sizeof value, 0);
  } while (got < 0 && errno == EINTR);
  // Keys must never be made from less than the kernel's generator.
  if (got != static_cast<ssize_t>(sizeof value)) std::abort();
  return value;
}

uint64_t SeededRandom::Next64() {
  // splitmix64, Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014).
  state_ += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace candor
