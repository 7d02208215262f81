#include "tests/fault/log_contents.h"

#include <algorithm>

#include "candor/v1/envelope.pb.h"
#include "common/batch.h"
#include "common/columns.h"
#include "common/sqlite.h"
#include "common/status.h"

namespace candor::testing {

uint64_t Log::Count(LogKind kind) const {
  return static_cast<uint64_t>(std::count_if(
      rows.begin(), rows.end(), [kind](const LogRow& row) { return row.kind == kind; }));
}

absl::StatusOr<Log> ReadLog(const std::string& data_folder) {
  Database::Options options;
  options.mode = Database::Mode::kReadWrite;  // the log may have to be recovered after a kill
  CANDOR_ASSIGN_OR_RETURN(Database db, Database::Open(data_folder + "/candor.db", options));
  CANDOR_ASSIGN_OR_RETURN(
      Statement select, db.Prepare("SELECT host, epoch, seq, seq_last, kind, hash, sealed FROM log "
                                   "LEFT JOIN device ON device.no = log.device ORDER BY id"));
  Log log;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) break;
    LogRow& row = log.rows.emplace_back();
    row.host = select.Text(0);
    row.epoch = static_cast<uint64_t>(select.Int(1));
    row.seq = static_cast<uint64_t>(select.Int(2));
    row.seq_last = static_cast<uint64_t>(select.Int(3));
    row.kind = static_cast<LogKind>(select.Int(4));
    row.hash = select.BlobAt(5);
    row.sealed = select.BlobAt(6);
  }
  CANDOR_ASSIGN_OR_RETURN(const int64_t quarantined,
                          db.QueryInt("SELECT count(*) FROM quarantine"));
  log.quarantined = static_cast<uint64_t>(quarantined);
  return log;
}

absl::StatusOr<v1::Contents> ContentsOf(const LogRow& row) {
  v1::SealedBatch batch;
  v1::Contents contents;
  CANDOR_RETURN_IF_ERROR(ParseSealed(row.sealed, batch));
  CANDOR_RETURN_IF_ERROR(ParseContents(batch, contents));
  return contents;
}

absl::StatusOr<std::map<std::string, uint64_t>> Notices(const Log& log, const std::string& code) {
  std::map<std::string, uint64_t> texts;
  for (const LogRow& row : log.rows) {
    if (row.kind != LogKind::kBatch) continue;
    CANDOR_ASSIGN_OR_RETURN(const v1::Contents contents, ContentsOf(row));
    for (const v1::Event& event : contents.events()) {
      if (event.agent_notice().code() == code) ++texts[event.agent_notice().text()];
    }
  }
  return texts;
}

absl::StatusOr<std::vector<std::string>> ItemsOf(const v1::Contents& contents) {
  std::vector<std::string> items;
  for (v1::Event event : contents.events()) {
    const std::string& boot = contents.boots(static_cast<int>(event.boot()));
    event.clear_boot();
    items.push_back(boot + event.SerializeAsString());
  }
  CANDOR_ASSIGN_OR_RETURN(const std::vector<MinuteWindows> minutes, DecodeWindows(contents));
  for (const MinuteWindows& minute : minutes) {
    v1::Contents alone;
    EncodeWindows({minute}, alone);
    items.push_back(alone.SerializeAsString());
  }
  return items;
}

}  // namespace candor::testing
