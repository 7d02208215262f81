#include "tests/fault/log_contents.h"

#include "candor/v1/envelope.pb.h"
#include "collector/store/schema.h"
#include "common/batch.h"
#include "common/sqlite.h"
#include "common/status.h"

namespace candor::testing {

absl::StatusOr<LogContents> ReadLog(const std::string& data_folder, const std::string& code) {
  Database::Options options;
  options.mode = Database::Mode::kReadWrite;  // the log may have to be recovered after a kill
  CANDOR_ASSIGN_OR_RETURN(Database db, Database::Open(data_folder + "/candor.db", options));
  CANDOR_ASSIGN_OR_RETURN(Statement rows, db.Prepare("SELECT kind, sealed FROM log ORDER BY id"));
  LogContents log;
  v1::SealedBatch batch;
  v1::Contents contents;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) break;
    switch (static_cast<LogKind>(rows.Int(0))) {
      case LogKind::kRefused:
        ++log.refused;
        continue;
      case LogKind::kGap:
        ++log.gaps;
        continue;
      case LogKind::kTombstone:
        ++log.tombstones;
        continue;
      case LogKind::kBatch:
        break;
    }
    ++log.batches;
    CANDOR_RETURN_IF_ERROR(ParseSealed(rows.BlobAt(1), batch));
    CANDOR_RETURN_IF_ERROR(ParseContents(batch, contents));
    for (const v1::Event& event : contents.events()) {
      if (event.agent_notice().code() == code) ++log.notices[event.agent_notice().text()];
    }
  }
  CANDOR_ASSIGN_OR_RETURN(const int64_t quarantined,
                          db.QueryInt("SELECT count(*) FROM quarantine"));
  log.quarantined = static_cast<uint64_t>(quarantined);
  return log;
}

}  // namespace candor::testing
