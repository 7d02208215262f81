#include "collector/query/fleet_data.h"

#include <algorithm>
#include <utility>

#include "collector/query/nearest.h"
#include "collector/query/text.h"
#include "common/inventory_keys.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr std::string_view kDeviceSelect =
    "SELECT no, device_id, host, agent_version, enrolled_ms, last_seen_ms, revoked_ms IS NOT NULL "
    "FROM device ";
constexpr size_t kListedMax = 5;

DeviceInfo ReadDevice(const Statement& row) {
  DeviceInfo device;
  device.no = row.Int(0);
  device.id = std::string(row.Text(1));
  device.host = std::string(row.Text(2));
  device.agent_version = std::string(row.Text(3));
  device.enrolled_ms = row.Int(4);
  if (!row.IsNull(5)) device.last_seen_ms = row.Int(5);
  device.revoked = row.Int(6) != 0;
  return device;
}

absl::StatusOr<std::vector<DeviceInfo>> ReadDevices(Statement& statement) {
  std::vector<DeviceInfo> devices;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) return devices;
    devices.push_back(ReadDevice(statement));
  }
}

absl::StatusOr<std::vector<std::string>> ReadTexts(Statement& statement) {
  std::vector<std::string> texts;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) return texts;
    texts.emplace_back(statement.Text(0));
  }
}

absl::StatusOr<ValueByDevice> ReadValues(Statement& statement) {
  ValueByDevice values;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) return values;
    values.emplace(statement.Int(0), statement.Text(1));
  }
}

absl::StatusOr<Properties> ReadProperties(Statement& statement) {
  Properties properties;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) return properties;
    properties.emplace_back(statement.Text(0), statement.Text(1));
  }
}

// Several devices with one name; the first few, newest first, so that one can be picked.
absl::Status Ambiguous(std::string_view host, std::vector<DeviceInfo> devices) {
  std::sort(devices.begin(), devices.end(), [](const DeviceInfo& a, const DeviceInfo& b) {
    return std::pair(b.enrolled_ms, b.no) < std::pair(a.enrolled_ms, a.no);
  });
  std::vector<std::string> ids;
  for (size_t i = 0; i < std::min(devices.size(), kListedMax); ++i) ids.push_back(devices[i].id);
  if (devices.size() > kListedMax) {
    ids.push_back(Concat("and ", devices.size() - kListedMax, " more"));
  }
  return absl::FailedPreconditionError(
      Concat("'", host, "' names ", devices.size(), " devices, give an id: ", Join(ids, ", ")));
}

absl::Status Unknown(Database& db, std::string_view host) {
  std::string hint;
  if (absl::StatusOr<Statement> all = db.Prepare("SELECT DISTINCT host FROM device LIMIT 100000");
      all.ok()) {
    if (const auto hosts = ReadTexts(*all); hosts.ok()) hint = DidYouMean(host, *hosts);
  }
  return absl::NotFoundError(Concat("no device '", host, "'", hint));
}

}  // namespace

absl::StatusOr<std::vector<DeviceInfo>> LoadDevices(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(Statement all, db.Prepare(Concat(kDeviceSelect, "ORDER BY no")));
  return ReadDevices(all);
}

absl::StatusOr<DeviceInfo> FindDevice(Database& db, std::string_view host_or_id) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare(Concat(kDeviceSelect, "WHERE device_id = ?1 OR host = ?1 ORDER BY no")));
  select.BindAll(host_or_id);
  CANDOR_ASSIGN_OR_RETURN(std::vector<DeviceInfo> found, ReadDevices(select));
  for (DeviceInfo& device : found) {
    if (device.id == host_or_id) return std::move(device);
  }
  if (found.size() > 1) {
    // A laptop that was enrolled anew leaves its revoked past behind.
    std::erase_if(found, [alive = std::any_of(found.begin(), found.end(), [](const DeviceInfo& d) {
                            return !d.revoked;
                          })](const DeviceInfo& d) { return alive && d.revoked; });
  }
  if (found.size() > 1) return Ambiguous(host_or_id, std::move(found));
  if (found.empty()) return Unknown(db, host_or_id);
  return std::move(found.front());
}

absl::StatusOr<ValueByDevice> LoadLabel(Database& db, std::string_view key) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db.Prepare("SELECT device, value FROM device_label WHERE key = ?"));
  select.BindAll(key);
  return ReadValues(select);
}

absl::StatusOr<ValueByDevice> LoadProperty(Database& db, std::string_view key) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare("SELECT device, value FROM inventory WHERE key = ? AND value IS NOT NULL"));
  select.BindAll(key);
  CANDOR_ASSIGN_OR_RETURN(ValueByDevice values, ReadValues(select));
  if (key.starts_with(inventory::kPackagePrefix)) {
    CANDOR_ASSIGN_OR_RETURN(Statement packages,
                            db.Prepare("SELECT s.device, v.version FROM software_name n JOIN "
                                       "software s ON s.name = n.no JOIN software_version v ON "
                                       "v.no = s.version WHERE n.name = ? ORDER BY n.manager"));
    packages.BindAll(key.substr(inventory::kPackagePrefix.size()));
    CANDOR_ASSIGN_OR_RETURN(const ValueByDevice versions, ReadValues(packages));
    values.insert(versions.begin(), versions.end());
  }
  return values;
}

absl::StatusOr<bool> HasPackage(Database& db, std::string_view key) {
  if (!key.starts_with(inventory::kPackagePrefix)) return false;
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db.Prepare("SELECT 1 FROM software_name n JOIN software s ON "
                                     "s.name = n.no WHERE n.name = ? AND n.name <> '' AND "
                                     "s.version IS NOT NULL LIMIT 1"));
  select.BindAll(key.substr(inventory::kPackagePrefix.size()));
  return select.Step();
}

absl::StatusOr<std::vector<std::string>> LabelKeys(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db.Prepare("SELECT DISTINCT key FROM device_label ORDER BY key"));
  return ReadTexts(select);
}

absl::StatusOr<std::vector<std::string>> PropertyKeys(Database& db) {
  // Skips from key to key along the index instead of reading every device's rows.
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare(
          "WITH RECURSIVE k(key) AS (SELECT min(key) FROM inventory WHERE key > '' UNION ALL "
          "SELECT (SELECT min(key) FROM inventory WHERE key > k.key) FROM k "
          "WHERE k.key IS NOT NULL) SELECT key FROM k WHERE key IS NOT NULL"));
  return ReadTexts(select);
}

absl::StatusOr<Properties> LabelsOf(Database& db, int64_t device) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare("SELECT key, value FROM device_label WHERE device = ? ORDER BY key"));
  select.BindAll(device);
  return ReadProperties(select);
}

absl::StatusOr<Properties> InventoryOf(Database& db, int64_t device) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare("SELECT key, value FROM inventory WHERE device = ? AND key > '' AND "
                 "value IS NOT NULL ORDER BY key"));
  select.BindAll(device);
  return ReadProperties(select);
}

}  // namespace candor
