#include "collector/fold/software_store.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/fold/slice_store.h"
#include "common/status.h"

namespace candor {
namespace {

// Numbers of names or of versions, given on first sight. A slice has the same ones often.
template <typename Key>
class Numbers {
 public:
  // Statements that take a key's parts in this order.
  static absl::StatusOr<Numbers> Create(Database& db, const char* select, const char* insert) {
    CANDOR_ASSIGN_OR_RETURN(Statement known, db.Prepare(select));
    CANDOR_ASSIGN_OR_RETURN(Statement add, db.Prepare(insert));
    return Numbers(db, std::move(known), std::move(add));
  }

  template <typename... Parts>
  absl::StatusOr<int64_t> Of(const Key& key, const Parts&... parts) {
    if (const auto at = numbers_.find(key); at != numbers_.end()) return at->second;
    select_.BindAll(parts...);
    CANDOR_ASSIGN_OR_RETURN(const bool found, select_.Step());
    int64_t number = found ? select_.Int(0) : 0;
    select_.Reset();
    if (!found) {
      CANDOR_RETURN_IF_ERROR(insert_.BindAll(parts...).Run());
      number = db_->last_insert_rowid();
    }
    numbers_.emplace(key, number);
    return number;
  }

 private:
  Numbers(Database& db, Statement select, Statement insert)
      : db_(&db), select_(std::move(select)), insert_(std::move(insert)) {}

  Database* db_;
  Statement select_;
  Statement insert_;
  std::map<Key, int64_t> numbers_;
};

using NameNumbers = Numbers<std::pair<std::string, std::string>>;
using VersionNumbers = Numbers<std::string>;

class SoftwareWriter {
 public:
  static absl::StatusOr<SoftwareWriter> Create(Database& db) {
    CANDOR_ASSIGN_OR_RETURN(
        NameNumbers names,
        NameNumbers::Create(db, "SELECT no FROM software_name WHERE name = ? AND manager = ?",
                            "INSERT INTO software_name (name, manager) VALUES (?, ?)"));
    CANDOR_ASSIGN_OR_RETURN(
        VersionNumbers versions,
        VersionNumbers::Create(db, "SELECT no FROM software_version WHERE version = ?",
                               "INSERT INTO software_version (version) VALUES (?)"));
    CANDOR_ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT wall_ms, epoch, seq FROM software"
                                                         " WHERE device = ? AND name = ?"));
    CANDOR_ASSIGN_OR_RETURN(
        Statement all,
        db.Prepare("SELECT s.name, s.wall_ms, s.epoch, s.seq FROM software s JOIN software_name n"
                   " ON n.no = s.name WHERE s.device = ? AND n.manager = ? AND n.name <> ''"));
    CANDOR_ASSIGN_OR_RETURN(Statement remove,
                            db.Prepare("DELETE FROM software WHERE device = ? AND name = ?"));
    CANDOR_ASSIGN_OR_RETURN(
        Statement insert,
        db.Prepare("INSERT OR REPLACE INTO software (device, name, version, day, wall_ms, epoch,"
                   " seq) VALUES (?, ?, ?, ?, ?, ?, ?)"));
    return SoftwareWriter(std::move(names), std::move(versions), std::move(select), std::move(all),
                          std::move(remove), std::move(insert));
  }

  // Rows must come ordered by their key, so that a whole list's mark comes before its names.
  absl::Status Write(const Slice::SoftwareKey& key, const Slice::SoftwareRow& row) {
    const auto& [device, manager, name] = key;
    CANDOR_ASSIGN_OR_RETURN(const int64_t mark_no, NameNo(manager, ""));
    CANDOR_ASSIGN_OR_RETURN(const Stamp whole, Stored(device, mark_no));
    if (row.stamp < whole) return absl::OkStatus();
    CANDOR_ASSIGN_OR_RETURN(const int64_t name_no, NameNo(manager, name));
    CANDOR_ASSIGN_OR_RETURN(const Stamp stored, Stored(device, name_no));
    if (row.stamp < stored) return absl::OkStatus();
    std::optional<int64_t> version_no;
    if (!row.version.empty()) {
      CANDOR_ASSIGN_OR_RETURN(version_no, versions_.Of(row.version, row.version));
    }
    CANDOR_RETURN_IF_ERROR(insert_
                               .BindAll(device, name_no, version_no, row.day, row.stamp.wall_ms,
                                        row.stamp.epoch, row.stamp.seq)
                               .Run());
    return name.empty() ? RemoveOlder(device, manager, row.stamp) : absl::OkStatus();
  }

 private:
  SoftwareWriter(NameNumbers names, VersionNumbers versions, Statement select, Statement all,
                 Statement remove, Statement insert)
      : names_(std::move(names)),
        versions_(std::move(versions)),
        select_(std::move(select)),
        all_(std::move(all)),
        remove_(std::move(remove)),
        insert_(std::move(insert)) {}

  absl::StatusOr<int64_t> NameNo(const std::string& manager, const std::string& name) {
    return names_.Of({manager, name}, name, manager);
  }

  absl::StatusOr<Stamp> Stored(int64_t device, int64_t name_no) {
    select_.BindAll(device, name_no);
    CANDOR_ASSIGN_OR_RETURN(const bool found, select_.Step());
    const Stamp stamp = found ? StampAt(select_, 0) : Slice::kBeforeAll;
    select_.Reset();
    return stamp;
  }

  absl::Status RemoveOlder(int64_t device, const std::string& manager, const Stamp& whole) {
    std::vector<int64_t> older;
    all_.BindAll(device, manager);
    while (true) {
      CANDOR_ASSIGN_OR_RETURN(const bool found, all_.Step());
      if (!found) break;
      if (StampAt(all_, 1) < whole) older.push_back(all_.Int(0));
    }
    for (const int64_t name_no : older) {
      CANDOR_RETURN_IF_ERROR(remove_.BindAll(device, name_no).Run());
    }
    return absl::OkStatus();
  }

  NameNumbers names_;
  VersionNumbers versions_;
  Statement select_;
  Statement all_;
  Statement remove_;
  Statement insert_;
};

}  // namespace

absl::Status WriteSoftware(Database& db, const Slice& slice) {
  if (slice.software.empty()) return absl::OkStatus();
  CANDOR_ASSIGN_OR_RETURN(SoftwareWriter writer, SoftwareWriter::Create(db));
  for (const auto& [key, row] : slice.software) {
    CANDOR_RETURN_IF_ERROR(writer.Write(key, row));
  }
  return absl::OkStatus();
}

}  // namespace candor
