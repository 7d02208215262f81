#include "collector/store/losses.h"

#include <optional>
#include <string>
#include <string_view>

#include "collector/store/schema.h"
#include "common/status.h"

namespace candor {
namespace {

// Forks not settled yet. One of the two enrols anew, under its host name: then what comes under the
// old identity is one laptop's again.
constexpr std::string_view kForks =
    "SELECT device, epoch, batches FROM (SELECT device, epoch, count(*) AS batches, "
    "min(received_ms) AS since_ms FROM quarantine GROUP BY device, epoch) AS fork "
    "WHERE NOT EXISTS (SELECT 1 FROM device AS old JOIN device AS new ON new.host = old.host "
    "WHERE old.no = fork.device AND new.no <> old.no AND new.enrolled_ms >= fork.since_ms)";

using Device = std::optional<int64_t>;

// `sql` with its WHERE narrowed to one device, or to nothing.
absl::StatusOr<Statement> PrepareFor(Database& db, Device device, std::string sql) {
  if (device) sql += " AND device = ?";
  CANDOR_ASSIGN_OR_RETURN(Statement select, db.Prepare(sql));
  if (device) select.BindAll(*device);
  return select;
}

absl::Status AddForks(Database& db, Device device, Losses& losses) {
  CANDOR_ASSIGN_OR_RETURN(Statement forks, PrepareFor(db, device, std::string(kForks)));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, forks.Step());
    if (!more) break;
    ++losses.forked_epochs;
  }
  CANDOR_ASSIGN_OR_RETURN(Statement quarantined,
                          PrepareFor(db, device, "SELECT count(*) FROM quarantine WHERE TRUE"));
  CANDOR_RETURN_IF_ERROR(quarantined.Step().status());
  losses.quarantined = quarantined.Int(0);
  return absl::OkStatus();
}

// The index log_exceptional holds all of this.
absl::Status AddKind(Database& db, Device device, LogKind kind, int64_t& rows, int64_t& places) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select, PrepareFor(db, device,
                                   "SELECT count(*), coalesce(sum(seq_last - seq + 1), 0) FROM log "
                                   "WHERE kind <> 0 AND kind = " +
                                       std::to_string(static_cast<int>(kind))));
  CANDOR_RETURN_IF_ERROR(select.Step().status());
  rows = select.Int(0);
  places = select.Int(1);
  return absl::OkStatus();
}

absl::Status AddLate(Database& db, Device device, Losses& losses) {
  CANDOR_ASSIGN_OR_RETURN(Statement late,
                          PrepareFor(db, device,
                                     "SELECT coalesce(sum(batches), 0), coalesce(sum(windows), 0), "
                                     "coalesce(sum(events), 0) FROM too_late WHERE TRUE"));
  CANDOR_RETURN_IF_ERROR(late.Step().status());
  losses.late_batches = late.Int(0);
  losses.late_windows = late.Int(1);
  losses.late_events = late.Int(2);
  return absl::OkStatus();
}

absl::StatusOr<Losses> Read(Database& db, Device device) {
  Losses losses;
  int64_t refused_places = 0;
  CANDOR_RETURN_IF_ERROR(AddForks(db, device, losses));
  CANDOR_RETURN_IF_ERROR(AddKind(db, device, LogKind::kGap, losses.gaps, losses.lost_places));
  CANDOR_RETURN_IF_ERROR(AddKind(db, device, LogKind::kRefused, losses.refused, refused_places));
  CANDOR_RETURN_IF_ERROR(
      AddKind(db, device, LogKind::kTombstone, losses.tombstones, losses.dropped_places));
  CANDOR_RETURN_IF_ERROR(AddLate(db, device, losses));
  return losses;
}

}  // namespace

absl::StatusOr<Losses> ReadLosses(Database& db) { return Read(db, std::nullopt); }

absl::StatusOr<Losses> ReadDeviceLosses(Database& db, int64_t device) { return Read(db, device); }

absl::StatusOr<std::set<int64_t>> ForkedDevices(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(Statement forks, db.Prepare(kForks));
  std::set<int64_t> devices;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, forks.Step());
    if (!more) return devices;
    devices.insert(forks.Int(0));
  }
}

}  // namespace candor
