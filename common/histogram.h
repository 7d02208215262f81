// Base-2 exponential histogram over non-negative integers, as OpenTelemetry defines it
// (https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram): bucket i at
// scale s holds values in (2^(i/2^s), 2^((i+1)/2^s)]. Starts at scale 5 (2.2 % wide buckets) and
// halves its resolution when it would need more than 640 buckets, so quantiles stay within 1.1 %.
//
// Merging is exact: count, sum, min, max and buckets of a merge equal those of one histogram that
// saw every value, in whatever order, so folds may merge incrementally. A sum that would pass
// 2^63 - 1 stays there.
//
// Values are integers in the metric's resolution (common/registry.h). Plain value type, no locks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace candor {

class Histogram {
 public:
  static constexpr int kScaleMax = 5;
  static constexpr int kScaleMin = -4;
  static constexpr uint32_t kBucketsMax = 640;

  // Adds `value` (>= 0; a negative one counts as 0) `times` times.
  void Add(int64_t value, uint64_t times = 1);
  void Merge(const Histogram& other);
  void Clear();

  bool empty() const { return count_ == 0; }
  uint64_t count() const { return count_; }
  int64_t sum() const { return sum_; }
  int64_t min() const { return min_; }  // 0 when empty
  int64_t max() const { return max_; }  // 0 when empty
  uint64_t zero_count() const { return zero_count_; }
  int scale() const { return scale_; }
  // Index of buckets()[0] at scale().
  int32_t offset() const { return offset_; }
  // First and last bucket are never 0; empty where all values are 0.
  const std::vector<uint64_t>& buckets() const { return buckets_; }

  // The value of nearest rank ceil(q * count), 0 < q <= 1: the geometric middle of its bucket,
  // clamped to [min, max]. Nothing when empty.
  std::optional<double> Quantile(double q) const;

  // Rebuilds a histogram from its parts; nothing when they contradict each other or a limit.
  struct Parts {
    uint64_t count = 0;
    int64_t sum = 0;
    int64_t min = 0;
    int64_t max = 0;
    uint64_t zero_count = 0;
    int scale = kScaleMax;
    int32_t offset = 0;
    std::vector<uint64_t> buckets;
  };
  static std::optional<Histogram> FromParts(Parts parts);

  // Bucket index of value > 0 at `scale`.
  static int32_t BucketIndex(int64_t value, int scale);
  // Geometric middle of a bucket.
  static double BucketMiddle(int32_t index, int scale);

  bool operator==(const Histogram&) const = default;

 private:
  void DownscaleTo(int scale);
  void AddToBucket(int32_t index, uint64_t times);

  uint64_t count_ = 0;
  int64_t sum_ = 0;
  int64_t min_ = 0;
  int64_t max_ = 0;
  uint64_t zero_count_ = 0;
  int scale_ = kScaleMax;
  int32_t offset_ = 0;
  std::vector<uint64_t> buckets_;
};

}  // namespace candor
