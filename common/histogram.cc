#include "common/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace candor {
namespace {

// ceil(log2(value) * 2^scale) - 1 in exact arithmetic: the exponent comes from the bits, the
// fraction by comparing against 2^(k / 2^scale), which long double holds well beyond the 53 bits a
// boundary could be ambiguous in.
int32_t ExactIndex(uint64_t value, int scale) {
  const int exponent = 63 - __builtin_clzll(value);
  if (scale <= 0) {
    const int shift = -scale;
    const bool power_of_two = (value & (value - 1)) == 0;
    const int index = power_of_two ? exponent - 1 : exponent;
    return index >> shift;
  }
  const auto steps = int32_t{1} << scale;
  const long double fraction = std::ldexp(static_cast<long double>(value), -exponent);  // in [1, 2)
  auto k = static_cast<int32_t>(std::ceil(std::log2(fraction) * steps));
  const auto boundary = [&](int32_t i) { return std::exp2(static_cast<long double>(i) / steps); };
  // log2 can be off by an ulp beside a boundary; the boundaries decide.
  while (k > 0 && fraction <= boundary(k - 1)) --k;
  while (fraction > boundary(k)) ++k;
  return exponent * steps + k - 1;
}

// Of two that are not negative. Whatever the order, several come to the same.
int64_t SaturatedSum(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

int64_t SaturatedProduct(int64_t value, uint64_t times) {
  int64_t product = 0;
  return __builtin_mul_overflow(value, times, &product) ? std::numeric_limits<int64_t>::max()
                                                        : product;
}

}  // namespace

int32_t Histogram::BucketIndex(int64_t value, int scale) {
  return ExactIndex(static_cast<uint64_t>(value), scale);
}

double Histogram::BucketMiddle(int32_t index, int scale) {
  return std::exp2(std::ldexp(static_cast<double>(index) + 0.5, -scale));
}

void Histogram::DownscaleTo(int scale) {
  if (scale >= scale_) return;
  const int shift = scale_ - scale;
  scale_ = scale;
  if (buckets_.empty()) {
    offset_ = 0;
    return;
  }
  const int32_t first = offset_ >> shift;
  const int32_t last = (offset_ + static_cast<int32_t>(buckets_.size()) - 1) >> shift;
  std::vector<uint64_t> merged(static_cast<size_t>(last - first + 1), 0);
  for (size_t i = 0; i < buckets_.size(); ++i) {
    const int32_t index = (offset_ + static_cast<int32_t>(i)) >> shift;
    merged[static_cast<size_t>(index - first)] += buckets_[i];
  }
  buckets_ = std::move(merged);
  offset_ = first;
}

void Histogram::AddToBucket(int32_t index, uint64_t times) {
  if (buckets_.empty()) {
    offset_ = index;
    buckets_.assign(1, times);
    return;
  }
  int32_t first = std::min(offset_, index);
  int32_t last = std::max(offset_ + static_cast<int32_t>(buckets_.size()) - 1, index);
  int shift = 0;
  while ((last >> shift) - (first >> shift) >= static_cast<int32_t>(kBucketsMax)) ++shift;
  if (shift > 0) {
    DownscaleTo(scale_ - shift);
    index >>= shift;
    first = std::min(offset_, index);
    last = std::max(offset_ + static_cast<int32_t>(buckets_.size()) - 1, index);
  }
  if (first < offset_) {
    buckets_.insert(buckets_.begin(), static_cast<size_t>(offset_ - first), 0);
    offset_ = first;
  }
  const auto size = static_cast<size_t>(last - offset_ + 1);
  if (size > buckets_.size()) buckets_.resize(size, 0);
  buckets_[static_cast<size_t>(index - offset_)] += times;
}

void Histogram::Add(int64_t value, uint64_t times) {
  if (times == 0) return;
  value = std::max<int64_t>(value, 0);
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  count_ += times;
  sum_ = SaturatedSum(sum_, SaturatedProduct(value, times));
  if (value == 0) {
    zero_count_ += times;
  } else {
    AddToBucket(BucketIndex(value, scale_), times);
  }
}

void Histogram::Merge(const Histogram& other) {
  if (other.count_ == 0) return;
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
  count_ += other.count_;
  sum_ = SaturatedSum(sum_, other.sum_);
  zero_count_ += other.zero_count_;
  if (other.buckets_.empty()) return;
  DownscaleTo(other.scale_);
  for (size_t i = 0; i < other.buckets_.size(); ++i) {
    if (other.buckets_[i] == 0) continue;
    // scale_ may sink while we add.
    const int32_t index = (other.offset_ + static_cast<int32_t>(i)) >> (other.scale_ - scale_);
    AddToBucket(index, other.buckets_[i]);
  }
}

void Histogram::Clear() { *this = Histogram(); }

std::optional<double> Histogram::Quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  const double exact_rank = std::ceil(q * static_cast<double>(count_));
  const uint64_t rank =
      std::clamp<uint64_t>(static_cast<uint64_t>(std::max(exact_rank, 1.0)), 1, count_);
  double value = 0;
  uint64_t seen = zero_count_;
  if (rank > seen) {
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (rank <= seen) {
        value = BucketMiddle(offset_ + static_cast<int32_t>(i), scale_);
        break;
      }
    }
  }
  return std::clamp(value, static_cast<double>(min_), static_cast<double>(max_));
}

std::optional<Histogram> Histogram::FromParts(Parts parts) {
  if (parts.scale < kScaleMin || parts.scale > kScaleMax) return std::nullopt;
  if (parts.buckets.size() > kBucketsMax) return std::nullopt;
  if (parts.count == 0) {
    const bool clean = parts.buckets.empty() && parts.sum == 0 && parts.min == 0 &&
                       parts.max == 0 && parts.zero_count == 0;
    return clean ? std::optional(Histogram()) : std::nullopt;
  }
  if (parts.min < 0 || parts.max < parts.min || parts.sum < 0) return std::nullopt;
  uint64_t counted = parts.zero_count;
  for (const uint64_t n : parts.buckets) {
    if (counted + n < counted) return std::nullopt;
    counted += n;
  }
  if (counted != parts.count) return std::nullopt;
  if (!parts.buckets.empty() && (parts.buckets.front() == 0 || parts.buckets.back() == 0)) {
    return std::nullopt;
  }
  // No 63-bit value lies outside these indices.
  const int32_t index_max = parts.scale >= 0 ? 64 << parts.scale : 64 >> -parts.scale;
  if (parts.offset < -1 || parts.offset > index_max - static_cast<int32_t>(parts.buckets.size())) {
    return std::nullopt;
  }
  Histogram h;
  h.count_ = parts.count;
  h.sum_ = parts.sum;
  h.min_ = parts.min;
  h.max_ = parts.max;
  h.zero_count_ = parts.zero_count;
  h.scale_ = parts.scale;
  h.offset_ = parts.buckets.empty() ? 0 : parts.offset;
  h.buckets_ = std::move(parts.buckets);
  return h;
}

}  // namespace candor
