// Token buckets against floods of one kind of call: one bucket for each key and one for everybody.
// Thread-safe. Keys beyond the limit share one bucket, so that memory is bounded whatever comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "common/clock.h"

namespace candor {

struct RateLimit {
  double per_second = 1;
  double burst = 1;
};

class RateLimiter {
 public:
  struct Options {
    RateLimit each;
    RateLimit all;
    size_t keys_max = 10'000;
  };
  // `clock` must outlive the limiter.
  RateLimiter(const Options& options, const Clock& clock) : options_(options), clock_(clock) {}

  // Takes one from both buckets, or nothing where one of them is empty.
  bool Take(const std::string& key);
  // Whether Take would succeed now.
  bool Allows(const std::string& key);

 private:
  struct Bucket {
    double level = 0;
    int64_t at_ms = 0;
  };
  Bucket& BucketFor(const std::string& key, int64_t now_ms);
  void ForgetFull(int64_t now_ms);

  const Options options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
  Bucket all_;
  bool started_ = false;
};

}  // namespace candor
