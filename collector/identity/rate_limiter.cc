#include "collector/identity/rate_limiter.h"

#include <algorithm>

namespace candor {
namespace {

constexpr char kOthers[] = "";

double LevelAt(double level, int64_t elapsed_ms, const RateLimit& limit) {
  return std::min(limit.burst, level + static_cast<double>(elapsed_ms) / 1000 * limit.per_second);
}

}  // namespace

void RateLimiter::ForgetFull(int64_t now_ms) {
  std::erase_if(buckets_, [&](const auto& entry) {
    const Bucket& bucket = entry.second;
    return LevelAt(bucket.level, now_ms - bucket.at_ms, options_.each) >= options_.each.burst;
  });
}

RateLimiter::Bucket& RateLimiter::BucketFor(const std::string& key, int64_t now_ms) {
  if (!started_) {
    all_ = {options_.all.burst, now_ms};
    started_ = true;
  }
  all_ = {LevelAt(all_.level, now_ms - all_.at_ms, options_.all), now_ms};
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= options_.keys_max) ForgetFull(now_ms);
    const bool room = buckets_.size() < options_.keys_max;
    found = buckets_.try_emplace(room ? key : kOthers, Bucket{options_.each.burst, now_ms}).first;
  }
  Bucket& bucket = found->second;
  bucket = {LevelAt(bucket.level, now_ms - bucket.at_ms, options_.each), now_ms};
  return bucket;
}

bool RateLimiter::Take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  Bucket& bucket = BucketFor(key, clock_.MonotonicMs());
  if (bucket.level < 1 || all_.level < 1) return false;
  bucket.level -= 1;
  all_.level -= 1;
  return true;
}

bool RateLimiter::Allows(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return BucketFor(key, clock_.MonotonicMs()).level >= 1 && all_.level >= 1;
}

}  // namespace candor
