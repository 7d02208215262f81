// What --by can mean, in one place. A dimension gives each device one value:
//
//   host, device          the device itself
//   agent, version        the version of its agent
//   department, …         any label given at enrolment
//   os, kernel, model, …  any key of its inventory, package.NAME (its version) among them
//                         (`package` alone would put a device into many groups and is refused)
//   all                   everybody together
//
// Dimensions of events and measurements rather than of devices (app, service, …) belong to the
// views that know them. Reads once, at Resolve; then plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/query/fleet_data.h"
#include "common/sqlite.h"

namespace candor {

class Dimension {
 public:
  // `extra` are further names that the view knows, for the error's list. InvalidArgument names
  // what there is.
  static absl::StatusOr<Dimension> Resolve(Database& db, std::string_view name,
                                           const std::vector<std::string>& extra = {});

  // Column name of its values: as it was asked for.
  const std::string& name() const { return name_; }
  // "unknown" where the device has no value.
  std::string ValueOf(const DeviceInfo& device) const;

 private:
  enum class Source { kAll, kAgent, kMap };
  Dimension(std::string name, Source source, ValueByDevice values)
      : name_(std::move(name)), source_(source), values_(std::move(values)) {}

  std::string name_;
  Source source_;
  ValueByDevice values_;
};

// The dimension asked for, or the first of department, location, model that any device has.
absl::StatusOr<std::string> DefaultDimension(Database& db, std::string_view asked);

// Devices sorted into groups along a dimension.
struct Groups {
  std::vector<std::string> names;                // sorted naturally
  std::unordered_map<int64_t, size_t> group_of;  // by device.no; only devices that count
};
Groups GroupDevices(const std::vector<DeviceInfo>& devices, const Dimension& dimension);

}  // namespace candor
