#include "collector/fold/rebuild_mark.h"

#include <string>

#include "collector/fold/seal.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr const char* kThrough = "rebuild_through_log";
constexpr const char* kSealed = "rebuild_sealed_day";
constexpr const char* kSealedThrough = "sealed_through_day";
// Before any laptop's clock.
constexpr int64_t kNothingSealed = -1'000'000;

absl::StatusOr<std::optional<int64_t>> ReadMeta(Database& db, const char* key) {
  CANDOR_ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT value FROM meta WHERE key = ?"));
  select.BindAll(key);
  CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found || select.IsNull(0)) return std::nullopt;
  return select.Int(0);
}

absl::Status WriteMeta(Database& db, const char* key, int64_t value) {
  CANDOR_ASSIGN_OR_RETURN(Statement insert,
                          db.Prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"));
  return insert.BindAll(key, value).Run();
}

}  // namespace

absl::StatusOr<std::optional<RebuildMark>> ReadRebuildMark(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(const std::optional<int64_t> through, ReadMeta(db, kThrough));
  CANDOR_ASSIGN_OR_RETURN(const std::optional<int64_t> sealed, ReadMeta(db, kSealed));
  if (!through || !sealed) return std::nullopt;
  return RebuildMark{*through, *sealed};
}

absl::Status WriteRebuildMark(Database& db, const RebuildMark& mark) {
  CANDOR_RETURN_IF_ERROR(WriteMeta(db, kThrough, mark.through_log));
  return WriteMeta(db, kSealed, mark.sealed_day);
}

absl::Status ClearRebuildMark(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(Statement remove, db.Prepare("DELETE FROM meta WHERE key IN (?, ?)"));
  return remove.BindAll(kThrough, kSealed).Run();
}

absl::StatusOr<int64_t> ReadSealedThroughDay(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(const std::optional<int64_t> day, ReadMeta(db, kSealedThrough));
  return day.value_or(kNothingSealed);
}

}  // namespace candor
