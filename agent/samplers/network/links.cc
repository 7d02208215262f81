#include "agent/samplers/network/links.h"

#include <utility>

namespace candor {

std::vector<LinkWatch::Change> LinkWatch::Update(const std::vector<Link>& links) {
  std::vector<Change> changes;
  std::map<std::string, State> now;
  any_up_ = false;
  for (const Link& link : links) {
    any_up_ = any_up_ || link.up;
    now[link.name] = State{link.up, link.carrier_changes, link.medium};
    const auto before = known_.find(link.name);
    if (before == known_.end()) {
      // A card or phone plugged in.
      if (link.up) changes.push_back({true, link.medium});
    } else if (before->second.up != link.up) {
      changes.push_back({link.up, link.medium});
    } else if (link.up && link.carrier_changes > before->second.carrier_changes) {
      changes.push_back({false, link.medium});
      changes.push_back({true, link.medium});
    }
  }
  for (const auto& [name, state] : known_) {
    if (state.up && !now.contains(name)) changes.push_back({false, state.medium});
  }
  known_ = std::move(now);
  if (std::exchange(first_, false)) changes.clear();
  if (changes.size() > kChangesMax) changes.resize(kChangesMax);
  return changes;
}

}  // namespace candor
