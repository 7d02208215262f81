#include "agent/session/launches.h"

#include <utility>

namespace candor {

std::vector<Launches::Launch> Launches::Update(
    const std::vector<uint32_t>& windows, int64_t now_us,
    const std::function<std::optional<Owner>(uint32_t)>& owner_of) {
  std::set<uint32_t> present(windows.begin(), windows.end());
  std::erase_if(seen_, [&](const ProcessKey& key) { return now_us - key.second > kLaunchUsMax; });
  std::vector<Launch> launches;
  for (const uint32_t window : present) {
    if (windows_.contains(window)) continue;
    const auto owner = owner_of(window);
    if (!owner) continue;
    const int64_t took_us = now_us - owner->process.started_us;
    if (took_us < 0 || took_us > kLaunchUsMax) continue;
    const bool is_new = seen_.emplace(owner->pid, owner->process.started_us).second;
    if (is_new && !first_) launches.push_back({owner->process.program, took_us});
  }
  windows_ = std::move(present);
  first_ = false;
  return launches;
}

}  // namespace candor
