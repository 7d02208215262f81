#include "collector/fold/slice_store.h"

#include <utility>

#include "collector/fold/clock_correction.h"
#include "collector/fold/software_store.h"
#include "collector/store/facts.pb.h"
#include "common/compress.h"
#include "common/log.h"
#include "common/status.h"

namespace candor {
namespace {

using FactRow = PreparedSlice::FactRow;

// Reads the stored facts of a device's hour or day and merges a slice's into them. Facts of hours
// are many and seldom read: they are kept compressed.
class FactMerger {
 public:
  static absl::StatusOr<FactMerger> Create(Database& db, const char* table, const char* column,
                                           bool compressed) {
    CANDOR_ASSIGN_OR_RETURN(Statement select,
                            db.Prepare(std::string("SELECT facts FROM ") + table +
                                       " WHERE device = ? AND " + column + " = ?"));
    return FactMerger(std::move(select), table, compressed);
  }

  absl::StatusOr<FactRow> Merge(const DeviceTime& place, const FactAccumulator& added) {
    const auto& [device, time] = place;
    select_.BindAll(device, time);
    CANDOR_ASSIGN_OR_RETURN(const bool stored, select_.Step());
    FactAccumulator facts;
    if (stored) {
      absl::StatusOr<FactAccumulator> parsed = Parse(select_.BlobAt(0));
      if (parsed.ok()) {
        facts = *std::move(parsed);
      } else {
        LogError("stored facts cannot be read and begin anew; 'rebuild' restores them",
                 {{"table", table_}, {"device", device}, {"at", time}});
      }
    }
    facts.Merge(added);
    std::string bytes = facts.Serialize(scratch_);
    return FactRow{device, time, compressed_ ? compressor_.Compress(bytes) : std::move(bytes)};
  }

 private:
  FactMerger(Statement select, const char* table, bool compressed)
      : select_(std::move(select)), table_(table), compressed_(compressed) {}

  absl::StatusOr<FactAccumulator> Parse(std::string_view stored) {
    if (!compressed_) return FactAccumulator::Parse(stored, scratch_);
    CANDOR_ASSIGN_OR_RETURN(const std::string bytes, Decompress(stored, kFactBytesMax));
    return FactAccumulator::Parse(bytes, scratch_);
  }

  Statement select_;
  const char* table_;
  bool compressed_;
  store::v1::FactSet scratch_;
  Compressor compressor_;
};

absl::Status WriteFacts(Database& db, const char* sql, const std::vector<FactRow>& rows) {
  CANDOR_ASSIGN_OR_RETURN(Statement insert, db.Prepare(sql));
  for (const FactRow& row : rows) {
    CANDOR_RETURN_IF_ERROR(insert.BindAll(row.device, row.time, Statement::Blob{row.facts}).Run());
  }
  return absl::OkStatus();
}

absl::Status MarkDirty(Database& db, const std::vector<FactRow>& days) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db.Prepare("INSERT OR IGNORE INTO score_dirty (device, day) VALUES (?, ?)"));
  for (const FactRow& row : days) {
    CANDOR_RETURN_IF_ERROR(insert.BindAll(row.device, row.time).Run());
  }
  return absl::OkStatus();
}

absl::Status WriteEvents(Database& db, const Slice& slice) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db.Prepare("INSERT OR REPLACE INTO event (device, day, wall_ms, epoch, seq, ordinal, kind,"
                 " event) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  for (const auto& [key, row] : slice.events) {
    const auto& [device, day, wall_ms, epoch, seq, ordinal] = key;
    CANDOR_RETURN_IF_ERROR(insert
                               .BindAll(device, day, wall_ms, epoch, seq, ordinal, row.kind,
                                        Statement::Blob{row.event})
                               .Run());
  }
  return absl::OkStatus();
}

// The inventory as last-writer-wins over (time, epoch, seq). A complete list removes whatever is
// older than it, so the rows that stay are those not older than the latest complete list, in
// whatever order lists arrive.
class InventoryWriter {
 public:
  static absl::StatusOr<InventoryWriter> Create(Database& db) {
    CANDOR_ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT wall_ms, epoch, seq FROM inventory"
                                                         " WHERE device = ? AND key = ?"));
    CANDOR_ASSIGN_OR_RETURN(Statement all,
                            db.Prepare("SELECT key, wall_ms, epoch, seq FROM inventory"
                                       " WHERE device = ? AND key <> ''"));
    CANDOR_ASSIGN_OR_RETURN(Statement remove,
                            db.Prepare("DELETE FROM inventory WHERE device = ? AND key = ?"));
    CANDOR_ASSIGN_OR_RETURN(
        Statement insert,
        db.Prepare("INSERT OR REPLACE INTO inventory (device, key, value, day, wall_ms, epoch, seq)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?)"));
    return InventoryWriter(std::move(select), std::move(all), std::move(remove), std::move(insert));
  }

  // Rows must come ordered by device and key, so that a complete list's mark comes first.
  absl::Status Write(int64_t device, const std::string& key, const Slice::InventoryRow& row) {
    CANDOR_ASSIGN_OR_RETURN(const Stamp complete, Stored(device, Slice::kCompleteKey));
    if (row.stamp < complete) return absl::OkStatus();
    CANDOR_ASSIGN_OR_RETURN(const Stamp stored, Stored(device, key));
    if (row.stamp < stored) return absl::OkStatus();
    const std::optional<std::string_view> value =
        row.removed ? std::nullopt : std::optional<std::string_view>(row.value);
    CANDOR_RETURN_IF_ERROR(
        insert_
            .BindAll(device, key, value, row.day, row.stamp.wall_ms, row.stamp.epoch, row.stamp.seq)
            .Run());
    return key == Slice::kCompleteKey ? RemoveOlder(device, row.stamp) : absl::OkStatus();
  }

 private:
  InventoryWriter(Statement select, Statement all, Statement remove, Statement insert)
      : select_(std::move(select)),
        all_(std::move(all)),
        remove_(std::move(remove)),
        insert_(std::move(insert)) {}

  absl::StatusOr<Stamp> Stored(int64_t device, std::string_view key) {
    select_.BindAll(device, key);
    CANDOR_ASSIGN_OR_RETURN(const bool found, select_.Step());
    const Stamp stamp = found ? StampAt(select_, 0) : Slice::kBeforeAll;
    select_.Reset();
    return stamp;
  }

  absl::Status RemoveOlder(int64_t device, const Stamp& complete) {
    std::vector<std::string> older;
    all_.BindAll(device);
    while (true) {
      CANDOR_ASSIGN_OR_RETURN(const bool found, all_.Step());
      if (!found) break;
      if (StampAt(all_, 1) < complete) older.emplace_back(all_.Text(0));
    }
    for (const std::string& key : older) {
      CANDOR_RETURN_IF_ERROR(remove_.BindAll(device, key).Run());
    }
    return absl::OkStatus();
  }

  Statement select_;
  Statement all_;
  Statement remove_;
  Statement insert_;
};

absl::Status WriteInventory(Database& db, const Slice& slice) {
  if (slice.inventory.empty()) return absl::OkStatus();
  CANDOR_ASSIGN_OR_RETURN(InventoryWriter writer, InventoryWriter::Create(db));
  for (const auto& [place, row] : slice.inventory) {
    CANDOR_RETURN_IF_ERROR(writer.Write(place.first, place.second, row));
  }
  return absl::OkStatus();
}

absl::Status WriteUnmeasured(Database& db, const Slice& slice) {
  if (slice.unmeasured.empty()) return absl::OkStatus();
  CANDOR_ASSIGN_OR_RETURN(
      Statement select, db.Prepare("SELECT wall_ms, epoch, seq FROM unmeasured WHERE device = ?"));
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db.Prepare("INSERT OR REPLACE INTO unmeasured (device, day, wall_ms, epoch, seq, items)"
                 " VALUES (?, ?, ?, ?, ?, ?)"));
  for (const auto& [device, row] : slice.unmeasured) {
    select.BindAll(device);
    CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
    const bool older = found && row.stamp < StampAt(select, 0);
    select.Reset();
    if (older) continue;
    CANDOR_RETURN_IF_ERROR(insert
                               .BindAll(device, row.day, row.stamp.wall_ms, row.stamp.epoch,
                                        row.stamp.seq, Statement::Blob{row.items})
                               .Run());
  }
  return absl::OkStatus();
}

absl::Status WriteTooLate(Database& db, const Slice& slice) {
  if (slice.too_late.empty()) return absl::OkStatus();
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db.Prepare("INSERT INTO too_late (device, day, batches, windows, events)"
                 " VALUES (?, ?, ?, ?, ?) ON CONFLICT (device, day) DO UPDATE SET"
                 " batches = batches + excluded.batches, windows = windows + excluded.windows,"
                 " events = events + excluded.events"));
  for (const auto& [place, counts] : slice.too_late) {
    CANDOR_RETURN_IF_ERROR(
        insert.BindAll(place.first, place.second, counts.batches, counts.windows, counts.events)
            .Run());
  }
  return absl::OkStatus();
}

absl::Status WriteWatermark(Database& db, int64_t watermark) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert, db.Prepare("INSERT OR REPLACE INTO fold (name, watermark) VALUES (?, ?)"));
  return insert.BindAll(kFactsFold, watermark).Run();
}

}  // namespace

Stamp StampAt(const Statement& row, int column) {
  return {row.Int(column), static_cast<uint64_t>(row.Int(column + 1)),
          static_cast<uint64_t>(row.Int(column + 2))};
}

absl::StatusOr<PreparedSlice> PrepareSlice(Database& reader, Slice slice) {
  PreparedSlice prepared;
  CANDOR_ASSIGN_OR_RETURN(FactMerger hours, FactMerger::Create(reader, "hour_fact", "hour", true));
  std::map<DeviceTime, FactAccumulator> days;
  for (const DeviceTime& day : slice.days) days.try_emplace(day);
  for (const auto& [place, facts] : slice.hours) {
    CANDOR_ASSIGN_OR_RETURN(FactRow row, hours.Merge(place, facts));
    prepared.hours.push_back(std::move(row));
    days[{place.first, DayOfHour(place.second)}].Merge(facts);
  }
  CANDOR_ASSIGN_OR_RETURN(FactMerger merger, FactMerger::Create(reader, "day_fact", "day", false));
  for (const auto& [place, facts] : days) {
    CANDOR_ASSIGN_OR_RETURN(FactRow row, merger.Merge(place, facts));
    prepared.days.push_back(std::move(row));
  }
  prepared.slice = std::move(slice);
  prepared.slice.hours.clear();
  return prepared;
}

absl::Status WriteSlice(Database& db, const PreparedSlice& prepared) {
  CANDOR_RETURN_IF_ERROR(
      WriteFacts(db, "INSERT OR REPLACE INTO hour_fact (device, hour, facts) VALUES (?, ?, ?)",
                 prepared.hours));
  CANDOR_RETURN_IF_ERROR(WriteFacts(
      db, "INSERT OR REPLACE INTO day_fact (device, day, facts) VALUES (?, ?, ?)", prepared.days));
  CANDOR_RETURN_IF_ERROR(MarkDirty(db, prepared.days));
  CANDOR_RETURN_IF_ERROR(WriteEvents(db, prepared.slice));
  CANDOR_RETURN_IF_ERROR(WriteInventory(db, prepared.slice));
  CANDOR_RETURN_IF_ERROR(WriteSoftware(db, prepared.slice));
  CANDOR_RETURN_IF_ERROR(WriteUnmeasured(db, prepared.slice));
  CANDOR_RETURN_IF_ERROR(WriteTooLate(db, prepared.slice));
  return WriteWatermark(db, prepared.slice.watermark);
}

absl::StatusOr<int64_t> ReadWatermark(Database& db) {
  const absl::StatusOr<int64_t> found =
      db.QueryInt(std::string("SELECT watermark FROM fold WHERE name = '") + kFactsFold + "'");
  if (absl::IsNotFound(found.status())) return 0;
  return found;
}

}  // namespace candor
