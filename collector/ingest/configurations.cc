#include "collector/ingest/configurations.h"

#include "candor/v1/ingest.pb.h"
#include "common/hash.h"

namespace candor {
namespace {

std::shared_ptr<const v1::Configuration> Hashed(v1::Configuration configuration, bool watched) {
  configuration.set_watched(watched);
  configuration.clear_hash();
  configuration.set_hash(Sha256(configuration.SerializeAsString()));
  return std::make_shared<const v1::Configuration>(std::move(configuration));
}

}  // namespace

Configurations::Configurations(const v1::Configuration& configuration) { Set(configuration); }
Configurations::~Configurations() = default;

void Configurations::Set(const v1::Configuration& configuration) {
  auto quiet = Hashed(configuration, false);
  auto watched = Hashed(configuration, true);
  std::lock_guard lock(mutex_);
  quiet_ = std::move(quiet);
  watched_ = std::move(watched);
}

void Configurations::Watch(int64_t device, int64_t until_ms) {
  std::lock_guard lock(mutex_);
  watched_until_ms_[device] = until_ms;
}

std::shared_ptr<const v1::Configuration> Configurations::For(int64_t device, int64_t now_ms) {
  std::lock_guard lock(mutex_);
  const auto it = watched_until_ms_.find(device);
  if (it == watched_until_ms_.end()) return quiet_;
  if (it->second > now_ms) return watched_;
  watched_until_ms_.erase(it);
  return quiet_;
}

}  // namespace candor
