#include "agent/samplers/responsiveness/app_scopes.h"

#include <algorithm>
#include <utility>

#include "agent/samplers/support/app_group.h"

namespace candor {
namespace {

constexpr std::string_view kOther = "other";

}  // namespace

std::vector<std::string> NamedApplications::Unknown(const std::vector<AppGroup>& groups) const {
  std::vector<std::string> unknown;
  for (const AppGroup& group : groups) {
    std::string application = ApplicationOfGroup(group.name);
    if (application.empty() || known_.contains(application)) continue;
    if (std::find(unknown.begin(), unknown.end(), application) != unknown.end()) continue;
    unknown.push_back(std::move(application));
  }
  return unknown;
}

void NamedApplications::Learn(const std::string& application, bool may_be_named) {
  // Somebody who starts this many different applications starts over.
  if (known_.size() >= kKnownMax) known_.clear();
  known_[application] = may_be_named;
}

std::string NamedApplications::NameOf(const std::string& group) const {
  std::string application = ApplicationOfGroup(group);
  const auto at = known_.find(application);
  return at != known_.end() && at->second ? application : std::string(kOther);
}

std::map<std::string, std::array<int64_t, 3>> AppStalls::Update(const std::vector<AppGroup>& groups,
                                                                const NamedApplications& names) {
  std::map<uint64_t, Meters> next;
  std::map<std::string, std::array<int64_t, 3>> stalls;
  for (const AppGroup& group : groups) {
    Meters meters;
    if (const auto at = known_.find(group.id); at != known_.end()) {
      meters = at->second;
    } else if (!first_) {
      meters.fill(StallMeter(0));
    }
    const std::string application = names.NameOf(group.name);
    const bool room = stalls.contains(application) || stalls.size() < kAppNamesMax;
    auto& sums = stalls[room ? application : std::string(kOther)];
    for (size_t kind = 0; kind < sums.size(); ++kind) {
      sums[kind] += meters[kind].TakeMs(group.totals_us[kind]).value_or(0);
    }
    next.emplace(group.id, meters);
  }
  known_ = std::move(next);
  if (std::exchange(first_, false)) stalls.clear();
  return stalls;
}

}  // namespace candor
