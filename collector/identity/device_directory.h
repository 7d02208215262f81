// Every enrolled device, in memory: who a certificate's device is, and whether it may still send.
// Loaded once from the store, then told of each enrolment and revocation after its commit, so that
// a revocation reaches a stream that is already open with its next batch.
//
// Thread-safe; lookups take a shared lock for a hash look-up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/sqlite.h"
#include "common/tls/identity.h"

namespace candor {

class DeviceDirectory {
 public:
  static absl::StatusOr<std::unique_ptr<DeviceDirectory>> Load(Database& db);

  // device.no behind an identity. PermissionDenied "wrong role: …" when it is no device, "revoked:
  // …" when it may no longer send; Unauthenticated "not enrolled: …" when nobody knows it.
  absl::StatusOr<int64_t> Admit(const Identity& identity) const;
  // OK while device `no` may send; the statuses of Admit otherwise.
  absl::Status MaySend(int64_t no) const;
  // Devices that may send.
  size_t active() const;

  void Add(std::string_view device_id, int64_t no);
  void Revoke(std::string_view device_id);

 private:
  DeviceDirectory() = default;

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, int64_t> numbers_;  // every device, revoked ones included
  std::unordered_set<int64_t> active_;
};

}  // namespace candor
