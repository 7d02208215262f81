#include "collector/query/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/random.h"

namespace candor {
namespace {

constexpr uint64_t kSeed = 0x63616e646f722d31;  // "candor-1"
constexpr size_t kSamplesMax = 2'000;
constexpr size_t kSamplesMin = 200;
constexpr size_t kDrawsMax = 4'000'000;

// Two indices below `bound` (which fits 32 bits) from one 64-bit number, by multiplication.
class IndexSource {
 public:
  explicit IndexSource(uint32_t bound) : random_(kSeed), bound_(bound) {}
  uint32_t Next() {
    if (!half_left_) bits_ = random_.Next64();
    const auto half = static_cast<uint32_t>(half_left_ ? bits_ >> 32 : bits_);
    half_left_ = !half_left_;
    return static_cast<uint32_t>((uint64_t{half} * bound_) >> 32);
  }

 private:
  SeededRandom random_;
  uint32_t bound_;
  uint64_t bits_ = 0;
  bool half_left_ = false;
};

}  // namespace

std::optional<ScoreInterval> BootstrapInterval(std::span<const BootstrapUnit> devices) {
  if (devices.size() < kBootstrapDevicesMin) return std::nullopt;
  const size_t samples = std::clamp(kDrawsMax / devices.size(), kSamplesMin, kSamplesMax);
  IndexSource index(static_cast<uint32_t>(devices.size()));
  std::vector<double> means;
  means.reserve(samples);
  for (size_t s = 0; s < samples; ++s) {
    BootstrapUnit total;
    for (size_t i = 0; i < devices.size(); ++i) {
      const BootstrapUnit& drawn = devices[index.Next()];
      total.sum += drawn.sum;
      total.count += drawn.count;
    }
    if (total.count > 0) means.push_back(total.sum / total.count);
  }
  if (means.empty()) return std::nullopt;
  std::sort(means.begin(), means.end());
  const auto rank = [&](double q) {
    const auto at = static_cast<size_t>(std::lround(q * static_cast<double>(means.size() - 1)));
    return means[std::min(at, means.size() - 1)];
  };
  return ScoreInterval{rank(0.025), rank(0.975)};
}

}  // namespace candor
