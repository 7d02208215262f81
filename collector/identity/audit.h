// The audit log: append-only rows, each with the hash of the one before, so that a row changed,
// taken out or put in later shows.
//
//   hash = SHA-256(previous ‖ fields), where fields are id, wall_ms as 8 bytes little endian, then
//   actor, action, subject and reason, each preceded by its length as 8 bytes little endian;
//   `previous` of the first row is 32 zero bytes.
//
// Subjects are random ids, never host names. Call on the committer's thread, in the transaction of
// what is audited: an act and its row are on disk together or not at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/sqlite.h"

namespace candor {

// Room for a reason (labels.h: kReasonBytesMax) and, behind it, what it was the reason for. Whoever
// has more to write down says so in the text; cutting is the last resort.
constexpr size_t kAuditTextMax = 2304;  // bytes

struct AuditEntry {
  int64_t wall_ms = 0;
  std::string actor;    // Identity::Text, or "local:init" for what happens on the collector itself
  std::string action;   // "token create", "device revoke", …
  std::string subject;  // a token's or device's id; may be empty
  std::string reason;   // as given; cut at kAuditTextMax
};

absl::Status AppendAudit(Database& db, const AuditEntry& entry);

// DataLoss names the first row that does not fit. OK for an empty log.
absl::Status VerifyAudit(Database& db);

}  // namespace candor
