#include "collector/identity/device_directory.h"

#include <mutex>

#include "collector/identity/roles.h"
#include "common/status.h"

namespace candor {
namespace {

absl::Status Revoked() {
  return absl::PermissionDeniedError("revoked: an administrator has revoked this device");
}

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceDirectory>> DeviceDirectory::Load(Database& db) {
  std::unique_ptr<DeviceDirectory> directory(new DeviceDirectory);
  CANDOR_ASSIGN_OR_RETURN(Statement rows,
                          db.Prepare("SELECT device_id, no, revoked_ms FROM device"));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return directory;
    directory->numbers_.emplace(rows.Text(0), rows.Int(1));
    if (rows.IsNull(2)) directory->active_.insert(rows.Int(1));
  }
}

absl::StatusOr<int64_t> DeviceDirectory::Admit(const Identity& identity) const {
  CANDOR_RETURN_IF_ERROR(AuthorizeCall(identity, rpc::kIngestStream));
  const std::shared_lock lock(mutex_);
  const auto found = numbers_.find(identity.name);
  if (found == numbers_.end()) {
    return absl::UnauthenticatedError("not enrolled: this collector does not know device " +
                                      identity.name);
  }
  if (!active_.contains(found->second)) return Revoked();
  return found->second;
}

absl::Status DeviceDirectory::MaySend(int64_t no) const {
  const std::shared_lock lock(mutex_);
  return active_.contains(no) ? absl::OkStatus() : Revoked();
}

size_t DeviceDirectory::active() const {
  const std::shared_lock lock(mutex_);
  return active_.size();
}

void DeviceDirectory::Add(std::string_view device_id, int64_t no) {
  const std::unique_lock lock(mutex_);
  numbers_.insert_or_assign(std::string(device_id), no);
  active_.insert(no);
}

void DeviceDirectory::Revoke(std::string_view device_id) {
  const std::unique_lock lock(mutex_);
  const auto found = numbers_.find(std::string(device_id));
  if (found != numbers_.end()) active_.erase(found->second);
}

}  // namespace candor
