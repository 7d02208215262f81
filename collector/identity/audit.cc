#include "collector/identity/audit.h"

#include "common/hash.h"
#include "common/status.h"
#include "common/tls/labels.h"

namespace candor {
namespace {

void AppendNumber(std::string& bytes, uint64_t number) {
  for (int i = 0; i < 8; ++i, number >>= 8) bytes.push_back(static_cast<char>(number & 0xff));
}

void AppendText(std::string& bytes, std::string_view text) {
  AppendNumber(bytes, text.size());
  bytes.append(text);
}

std::string RowHash(std::string_view previous, int64_t id, const AuditEntry& entry) {
  std::string bytes(previous);
  AppendNumber(bytes, static_cast<uint64_t>(id));
  AppendNumber(bytes, static_cast<uint64_t>(entry.wall_ms));
  AppendText(bytes, entry.actor);
  AppendText(bytes, entry.action);
  AppendText(bytes, entry.subject);
  AppendText(bytes, entry.reason);
  return Sha256(bytes);
}

}  // namespace

absl::Status AppendAudit(Database& db, const AuditEntry& entry) {
  CANDOR_ASSIGN_OR_RETURN(Statement last,
                          db.Prepare("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1"));
  CANDOR_ASSIGN_OR_RETURN(const bool any, last.Step());
  const int64_t id = any ? last.Int(0) + 1 : 1;
  const std::string previous = any ? std::string(last.BlobAt(1)) : std::string(kSha256Bytes, '\0');
  last.Reset();

  AuditEntry row = entry;
  row.reason = std::string(BeginningOf(entry.reason, kAuditTextMax));
  const std::string hash = RowHash(previous, id, row);
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db.Prepare("INSERT INTO audit (id, wall_ms, actor, action, subject, reason, previous, hash) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  return insert
      .BindAll(id, row.wall_ms, row.actor, row.action, row.subject, row.reason,
               Statement::Blob{previous}, Statement::Blob{hash})
      .Run();
}

absl::Status VerifyAudit(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement rows,
      db.Prepare("SELECT id, wall_ms, actor, action, subject, reason, previous, hash "
                 "FROM audit ORDER BY id"));
  std::string previous(kSha256Bytes, '\0');
  for (int64_t expected = 1;; ++expected) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return absl::OkStatus();
    const int64_t id = rows.Int(0);
    if (id != expected) {
      return absl::DataLossError("audit row " + std::to_string(expected) + " is missing");
    }
    const AuditEntry entry = {rows.Int(1), std::string(rows.Text(2)), std::string(rows.Text(3)),
                              std::string(rows.Text(4)), std::string(rows.Text(5))};
    const std::string hash = RowHash(previous, id, entry);
    if (rows.BlobAt(6) != previous || rows.BlobAt(7) != hash) {
      return absl::DataLossError("audit row " + std::to_string(id) + " was changed");
    }
    previous = hash;
  }
}

}  // namespace candor
