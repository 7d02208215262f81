#include "common/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "common/random.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

// Values spread over `decades` powers of ten, the shape of latencies.
std::vector<int64_t> LogUniform(SeededRandom& random, size_t count, double decades) {
  std::vector<int64_t> values;
  for (size_t i = 0; i < count; ++i) {
    values.push_back(static_cast<int64_t>(std::pow(10.0, random.Unit() * decades)));
  }
  return values;
}

Histogram Of(const std::vector<int64_t>& values) {
  Histogram h;
  for (const int64_t value : values) h.Add(value);
  return h;
}

double ExactQuantile(std::vector<int64_t> values, double q) {
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(values.size())));
  return static_cast<double>(values[std::max<size_t>(rank, 1) - 1]);
}

Histogram::Parts PartsOf(const Histogram& h) {
  return {h.count(), h.sum(), h.min(), h.max(), h.zero_count(), h.scale(), h.offset(), h.buckets()};
}

}  // namespace

TEST_CASE("a bucket holds the values above its lower and up to its upper boundary") {
  // Scale 0: (1,2], (2,4], (4,8]; 1 belongs to (1/2, 1].
  REQUIRE(Histogram::BucketIndex(1, 0) == -1);
  REQUIRE(Histogram::BucketIndex(2, 0) == 0);
  REQUIRE(Histogram::BucketIndex(3, 0) == 1);
  REQUIRE(Histogram::BucketIndex(4, 0) == 1);
  REQUIRE(Histogram::BucketIndex(5, 0) == 2);
  for (int power = 0; power < 62; ++power) {
    INFO("2^" << power);
    const int64_t value = int64_t{1} << power;
    REQUIRE(Histogram::BucketIndex(value, 5) == power * 32 - 1);
    REQUIRE(Histogram::BucketIndex(value + 1, 5) >= power * 32);
  }
}

TEST_CASE("a coarser scale's bucket is the finer one's shifted") {
  SeededRandom random(11);
  for (const int64_t value : LogUniform(random, 20'000, 18)) {
    const int32_t fine = Histogram::BucketIndex(value, 5);
    for (int scale = 4; scale >= -2; --scale) {
      REQUIRE(Histogram::BucketIndex(value, scale) == fine >> (5 - scale));
    }
  }
}

TEST_CASE("quantiles stay within 1.1 % of the exact ones") {
  SeededRandom random(GENERATE(1u, 2u, 3u, 4u, 5u));
  // 640 buckets at scale 5 span 20 powers of two, six decades.
  const std::vector<int64_t> values = LogUniform(random, 20'000, GENERATE(1.0, 3.0, 6.0));
  const Histogram h = Of(values);
  REQUIRE(h.scale() == Histogram::kScaleMax);
  for (const double q : {0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0}) {
    const double exact = ExactQuantile(values, q);
    INFO("q " << q << " exact " << exact << " got " << *h.Quantile(q));
    REQUIRE(std::abs(*h.Quantile(q) - exact) <= 0.011 * exact);
  }
}

TEST_CASE("a merge equals one histogram that saw every value, in whatever order") {
  SeededRandom random(GENERATE(21u, 22u, 23u));
  // Ten decades force downscaling in the middle of the merge.
  const double decades = GENERATE(2.0, 10.0, 18.0);
  const std::vector<int64_t> values = LogUniform(random, 5'000, decades);
  std::vector<Histogram> parts(7);
  for (const int64_t value : values) parts[random.Below(parts.size())].Add(value);

  Histogram forward;
  for (const Histogram& part : parts) forward.Merge(part);
  std::reverse(parts.begin(), parts.end());
  Histogram backward;
  for (const Histogram& part : parts) backward.Merge(part);

  REQUIRE(forward == Of(values));
  REQUIRE(backward == forward);
}

TEST_CASE("more than 640 buckets halve the resolution and keep every count") {
  Histogram h;
  for (int power = 0; power < 62; ++power) h.Add(int64_t{1} << power, 3);
  REQUIRE(h.scale() < Histogram::kScaleMax);
  REQUIRE(h.buckets().size() <= Histogram::kBucketsMax);
  uint64_t counted = h.zero_count();
  for (const uint64_t n : h.buckets()) counted += n;
  REQUIRE(counted == 62 * 3);
  REQUIRE(h.count() == 62 * 3);
}

TEST_CASE("a sum that would overflow stays at the greatest number, in whatever order") {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Histogram many, big, small;
  many.Add(int64_t{1} << 40, uint64_t{1} << 40);
  REQUIRE(many.sum() == kMost);
  big.Add(kMost - 1);
  small.Add(5);
  Histogram forward = big;
  forward.Merge(small);
  Histogram backward = small;
  backward.Merge(big);
  REQUIRE(forward.sum() == kMost);
  REQUIRE(forward == backward);
  REQUIRE(Histogram::FromParts({forward.count(), forward.sum(), forward.min(), forward.max(),
                                forward.zero_count(), forward.scale(), forward.offset(),
                                forward.buckets()}) == forward);
}

TEST_CASE("zeros, negatives and emptiness") {
  Histogram h;
  REQUIRE(h.empty());
  REQUIRE_FALSE(h.Quantile(0.5));
  h.Add(0);
  h.Add(-5);
  REQUIRE(h.zero_count() == 2);
  REQUIRE(*h.Quantile(1.0) == 0.0);
  h.Add(100);
  REQUIRE(*h.Quantile(0.5) == 0.0);
  REQUIRE(*h.Quantile(1.0) == Approx(100.0).epsilon(0.011));
  h.Add(7, 0);
  REQUIRE(h.count() == 3);
  h.Clear();
  REQUIRE(h == Histogram());
}

TEST_CASE("a quantile never leaves the range of what was seen") {
  Histogram h;
  h.Add(1000);
  for (const double q : {0.0, 0.5, 1.0}) REQUIRE(*h.Quantile(q) == 1000.0);
}

TEST_CASE("a histogram comes back from its parts, and contradictions do not") {
  SeededRandom random(31);
  const Histogram h = Of(LogUniform(random, 1'000, 4));
  const Histogram::Parts good = PartsOf(h);
  REQUIRE(Histogram::FromParts(good) == h);
  REQUIRE(Histogram::FromParts({}) == Histogram());

  using Spoil = void (*)(Histogram::Parts&);
  const auto spoil = GENERATE(
      as<Spoil>{}, [](Histogram::Parts& p) { p.count += 1; },
      [](Histogram::Parts& p) { p.max = p.min - 1; }, [](Histogram::Parts& p) { p.min = -1; },
      [](Histogram::Parts& p) { p.sum = -1; }, [](Histogram::Parts& p) { p.scale = 6; },
      [](Histogram::Parts& p) { p.scale = -5; }, [](Histogram::Parts& p) { p.offset = -2; },
      [](Histogram::Parts& p) { p.offset = 1 << 20; },
      [](Histogram::Parts& p) { p.buckets.front() = 0; },
      [](Histogram::Parts& p) { p.buckets.push_back(0); },
      [](Histogram::Parts& p) { p.buckets.assign(641, 1); },
      [](Histogram::Parts& p) { p.count = 0; },
      [](Histogram::Parts& p) { p.zero_count = ~uint64_t{0}; });
  Histogram::Parts bad = good;
  spoil(bad);
  REQUIRE_FALSE(Histogram::FromParts(bad));
}

}  // namespace candor
