// Enrolment tokens: random text that lets a laptop in. The text is shown once; the store keeps its
// SHA-256 (160 random bits need no slow hash). The Database functions run on the committer's
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/random.h"
#include "common/sqlite.h"
#include "common/time_units.h"

namespace candor {

constexpr uint32_t kTokenUsesMax = 1'000'000;
constexpr int64_t kTokenLifeMs = int64_t{7} * kMsPerDay;  // unless told otherwise
constexpr int64_t kTokenLifeMsMax = int64_t{366} * kMsPerDay;

struct TokenRow {
  std::string id;
  uint32_t uses_left = 0;
  int64_t created_ms = 0;
  int64_t expires_ms = 0;
  bool revoked = false;
};

// cnd_ and 32 characters of base32 (a-z, 2-7).
std::string MakeTokenText(Random& random);
// tok_ and 8 characters.
std::string MakeTokenId(Random& random);
std::string TokenHash(std::string_view text);

absl::Status InsertToken(Database& db, const TokenRow& row, std::string_view hash);
// The newest last.
absl::StatusOr<std::vector<TokenRow>> ListTokens(Database& db);
// NotFound for an unknown id; fine for one already revoked.
absl::Status RevokeToken(Database& db, std::string_view id);

// The token of this hash. PermissionDenied "unknown token", "token ID was revoked".
absl::StatusOr<TokenRow> FindToken(Database& db, std::string_view hash);
// Takes one use of it. PermissionDenied "token ID expired", "token ID is used up".
absl::Status UseToken(Database& db, const TokenRow& token, int64_t now_ms);

}  // namespace candor
