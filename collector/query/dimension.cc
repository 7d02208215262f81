#include "collector/query/dimension.h"

#include <algorithm>
#include <map>
#include <utility>

#include "collector/query/nearest.h"
#include "collector/query/table.h"
#include "collector/query/text.h"
#include "common/inventory_keys.h"
#include "common/status.h"

namespace candor {
namespace {

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Host names, with the beginning of the id behind those that several devices share.
absl::StatusOr<ValueByDevice> DistinctHosts(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(db));
  std::map<std::string_view, int> uses;
  for (const DeviceInfo& device : devices) ++uses[device.host];
  ValueByDevice hosts;
  for (const DeviceInfo& device : devices) {
    hosts.emplace(device.no, uses[device.host] == 1
                                 ? device.host
                                 : Concat(device.host, " (", device.id.substr(0, 8), ")"));
  }
  return hosts;
}

// A device has many packages, each with a version: groups along all of them would overlap.
absl::Status WhichPackage(const std::vector<std::string>& properties) {
  constexpr size_t kListedMax = 5;
  std::vector<std::string> packages;
  for (const std::string& property : properties) {
    if (property.starts_with(inventory::kPackagePrefix)) packages.push_back(property);
  }
  const bool more = packages.size() > kListedMax;
  packages.resize(std::min(packages.size(), kListedMax));
  const std::string there_are = packages.empty()
                                    ? "no device tells of any"
                                    : Concat("there are ", Join(packages, ", "), more ? ", …" : "");
  return absl::InvalidArgumentError(
      Concat("--by: a laptop has many packages: name one, as package.NAME (", there_are, ")"));
}

struct NaturalLess {
  bool operator()(const std::string& a, const std::string& b) const {
    const int order = CompareNaturally(a, b);
    return order != 0 ? order < 0 : a < b;
  }
};

}  // namespace

absl::StatusOr<Dimension> Dimension::Resolve(Database& db, std::string_view name,
                                             const std::vector<std::string>& extra) {
  if (name == "all") return Dimension("all", Source::kAll, {});
  if (name == "host" || name == "device") {
    CANDOR_ASSIGN_OR_RETURN(ValueByDevice hosts, DistinctHosts(db));
    return Dimension(std::string(name), Source::kMap, std::move(hosts));
  }
  if (name == "agent" || name == "version") {
    return Dimension(std::string(name), Source::kAgent, {});
  }
  CANDOR_ASSIGN_OR_RETURN(const std::vector<std::string> labels, LabelKeys(db));
  if (Contains(labels, name)) {
    CANDOR_ASSIGN_OR_RETURN(ValueByDevice values, LoadLabel(db, name));
    return Dimension(std::string(name), Source::kMap, std::move(values));
  }
  CANDOR_ASSIGN_OR_RETURN(const std::vector<std::string> properties, PropertyKeys(db));
  CANDOR_ASSIGN_OR_RETURN(const bool package, HasPackage(db, name));
  if (package || Contains(properties, name)) {
    CANDOR_ASSIGN_OR_RETURN(ValueByDevice values, LoadProperty(db, name));
    return Dimension(std::string(name), Source::kMap, std::move(values));
  }
  if (name == "package") return WhichPackage(properties);
  std::vector<std::string> known = {"all", "device", "host", "agent", "version"};
  known.insert(known.end(), extra.begin(), extra.end());
  known.insert(known.end(), labels.begin(), labels.end());
  known.insert(known.end(), properties.begin(), properties.end());
  std::string hint = DidYouMean(name, known);
  if (hint.empty()) {
    constexpr size_t kListedMax = 20;
    known.resize(std::min(known.size(), kListedMax));
    hint = Concat(" (there are ", Join(known, ", "), ")");
  }
  return absl::InvalidArgumentError(Concat("--by: no dimension '", name, "'", hint));
}

std::string Dimension::ValueOf(const DeviceInfo& device) const {
  switch (source_) {
    case Source::kAll:
      return "all";
    case Source::kAgent:
      return device.agent_version.empty() ? "unknown" : device.agent_version;
    case Source::kMap:
      break;
  }
  const auto at = values_.find(device.no);
  return at == values_.end() || at->second.empty() ? "unknown" : at->second;
}

absl::StatusOr<std::string> DefaultDimension(Database& db, std::string_view asked) {
  if (!asked.empty()) return std::string(asked);
  CANDOR_ASSIGN_OR_RETURN(const std::vector<std::string> labels, LabelKeys(db));
  for (const std::string_view name : {"department", "location"}) {
    if (Contains(labels, name)) return std::string(name);
  }
  CANDOR_ASSIGN_OR_RETURN(const std::vector<std::string> properties, PropertyKeys(db));
  return std::string(Contains(properties, "model") ? "model" : "all");
}

Groups GroupDevices(const std::vector<DeviceInfo>& devices, const Dimension& dimension) {
  std::map<std::string, std::vector<int64_t>, NaturalLess> members;
  for (const DeviceInfo& device : devices) {
    members[dimension.ValueOf(device)].push_back(device.no);
  }
  Groups groups;
  for (const auto& [name, numbers] : members) {
    for (const int64_t no : numbers) groups.group_of.emplace(no, groups.names.size());
    groups.names.push_back(name);
  }
  return groups;
}

}  // namespace candor
