// What laptops are told to do (candor.v1.Configuration), and which of them IT is looking at just
// now: those get the same with `watched` set. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace candor::v1 {
class Configuration;
}

namespace candor {

class Configurations {
 public:
  explicit Configurations(const v1::Configuration& configuration);
  ~Configurations();

  // Replaces it; streams that begin later are told. Sets the hash.
  void Set(const v1::Configuration& configuration);

  // IT looks at this device until then.
  void Watch(int64_t device, int64_t until_ms);

  // Never null.
  std::shared_ptr<const v1::Configuration> For(int64_t device, int64_t now_ms);

 private:
  std::mutex mutex_;
  std::shared_ptr<const v1::Configuration> quiet_;
  std::shared_ptr<const v1::Configuration> watched_;
  std::map<int64_t, int64_t> watched_until_ms_;
};

}  // namespace candor
