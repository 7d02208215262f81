// Devices as questions see them, and finding the one that is meant. Reads on the connection given.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "common/sqlite.h"

namespace candor {

struct DeviceInfo {
  int64_t no = 0;
  std::string id;
  std::string host;
  std::string agent_version;
  int64_t enrolled_ms = 0;
  std::optional<int64_t> last_seen_ms;
  bool revoked = false;
};

// All devices, revoked ones too, by number.
absl::StatusOr<std::vector<DeviceInfo>> LoadDevices(Database& db);

// The device with this id or host name. Revoked devices are found by id, or by name where no other
// has it. NotFound offers near names; FailedPrecondition lists the devices that share a name.
absl::StatusOr<DeviceInfo> FindDevice(Database& db, std::string_view host_or_id);

// Values by device number.
using ValueByDevice = std::unordered_map<int64_t, std::string>;
absl::StatusOr<ValueByDevice> LoadLabel(Database& db, std::string_view key);
// "package.NAME" is the version of what a package manager has by this name.
absl::StatusOr<ValueByDevice> LoadProperty(Database& db, std::string_view key);

// Labels that any device has, and keys of the inventory, sorted.
absl::StatusOr<std::vector<std::string>> LabelKeys(Database& db);
absl::StatusOr<std::vector<std::string>> PropertyKeys(Database& db);

// Whether any device has what "package.NAME" asks for.
absl::StatusOr<bool> HasPackage(Database& db, std::string_view key);

// Key and value of one device, sorted by key.
using Properties = std::vector<std::pair<std::string, std::string>>;
absl::StatusOr<Properties> LabelsOf(Database& db, int64_t device);
absl::StatusOr<Properties> InventoryOf(Database& db, int64_t device);

}  // namespace candor
