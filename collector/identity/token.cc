#include "collector/identity/token.h"

#include "common/hash.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kTokenRandomBytes = 20;
constexpr size_t kIdRandomBytes = 5;
constexpr char kColumns[] = "id, uses_left, created_ms, expires_ms, revoked";

// RFC 4648 in lower case; `bytes` in multiples of five, so that no padding is needed.
std::string Base32(std::string_view bytes) {
  constexpr char kDigits[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text;
  uint64_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (count += 8; count >= 5; count -= 5) text.push_back(kDigits[(bits >> (count - 5)) & 31]);
  }
  return text;
}

TokenRow ReadRow(const Statement& row) {
  return {std::string(row.Text(0)), static_cast<uint32_t>(row.Int(1)), row.Int(2), row.Int(3),
          row.Int(4) != 0};
}

}  // namespace

std::string MakeTokenText(Random& random) {
  return "cnd_" + Base32(random.Bytes(kTokenRandomBytes));
}

std::string MakeTokenId(Random& random) { return "tok_" + Base32(random.Bytes(kIdRandomBytes)); }

std::string TokenHash(std::string_view text) { return Sha256(text); }

absl::Status InsertToken(Database& db, const TokenRow& row, std::string_view hash) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db.Prepare("INSERT INTO token (id, hash, uses_left, created_ms, expires_ms, revoked) "
                 "VALUES (?, ?, ?, ?, ?, 0)"));
  return insert
      .BindAll(row.id, Statement::Blob{hash}, row.uses_left, row.created_ms, row.expires_ms)
      .Run();
}

absl::StatusOr<std::vector<TokenRow>> ListTokens(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(Statement rows, db.Prepare(std::string("SELECT ") + kColumns +
                                                     " FROM token ORDER BY created_ms, id"));
  std::vector<TokenRow> tokens;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return tokens;
    tokens.push_back(ReadRow(rows));
  }
}

absl::Status RevokeToken(Database& db, std::string_view id) {
  CANDOR_ASSIGN_OR_RETURN(Statement update,
                          db.Prepare("UPDATE token SET revoked = 1 WHERE id = ?"));
  CANDOR_RETURN_IF_ERROR(update.BindAll(id).Run());
  if (db.changes() == 0) {
    return absl::NotFoundError("no token has the id " + std::string(id.substr(0, 64)));
  }
  return absl::OkStatus();
}

absl::StatusOr<TokenRow> FindToken(Database& db, std::string_view hash) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement row, db.Prepare(std::string("SELECT ") + kColumns + " FROM token WHERE hash = ?"));
  row.BindAll(Statement::Blob{hash});
  CANDOR_ASSIGN_OR_RETURN(const bool known, row.Step());
  if (!known) return absl::PermissionDeniedError("unknown token");
  TokenRow token = ReadRow(row);
  if (token.revoked) return absl::PermissionDeniedError("token " + token.id + " was revoked");
  return token;
}

absl::Status UseToken(Database& db, const TokenRow& token, int64_t now_ms) {
  if (now_ms >= token.expires_ms) {
    return absl::PermissionDeniedError("token " + token.id + " expired");
  }
  CANDOR_ASSIGN_OR_RETURN(
      Statement update,
      db.Prepare("UPDATE token SET uses_left = uses_left - 1 WHERE id = ? AND uses_left > 0"));
  CANDOR_RETURN_IF_ERROR(update.BindAll(token.id).Run());
  if (db.changes() == 0) {
    return absl::PermissionDeniedError("token " + token.id + " is used up");
  }
  return absl::OkStatus();
}

}  // namespace candor
