#include <limits>
#include <ostream>

#include "candor/v1/admin.pb.h"
#include "collector/cli/client.h"
#include "collector/cli/run_parts.h"
#include "collector/query/text.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

Table TokenTable() {
  Table table;
  table.name = "tokens";
  table.columns = {TextColumn("id", "id"), IntegerColumn("uses_left", "uses left"),
                   TimeColumn("expires", "expires"), TimeColumn("created", "created"),
                   TextColumn("state", "state").Style(ColumnStyle::kStatus)};
  return table;
}

std::string StateOf(const v1::Token& token, int64_t now_ms) {
  if (token.revoked()) return "revoked";
  if (token.expires_ms() <= now_ms) return "expired";
  return token.uses_left() == 0 ? "used up" : "ok";
}

Row RowOf(const v1::Token& token, int64_t now_ms) {
  return {token.id(), int64_t{token.uses_left()}, token.expires_ms(), token.created_ms(),
          StateOf(token, now_ms)};
}

absl::StatusOr<Table> CreateToken(const Invocation& invocation, const Surroundings& around,
                                  Client& client) {
  v1::CreateTokenRequest request;
  if (const std::string uses = invocation.Value(Flag::kUses); !uses.empty()) {
    request.set_uses(static_cast<uint32_t>(std::stoul(uses)));
  }
  if (const std::string expires = invocation.Value(Flag::kExpires); !expires.empty()) {
    const absl::StatusOr<int64_t> ms = ParseDurationMs(expires);
    if (!ms.ok()) return WrongUsage(Prefix(ms.status(), "--expires"));
    if (*ms < 1000) {
      return WrongUsage(absl::InvalidArgumentError("--expires: at least a second"));
    }
    request.set_expires_s(static_cast<uint64_t>(*ms / 1000));
  }
  CANDOR_ASSIGN_OR_RETURN(const v1::CreateTokenReply reply, client.CreateToken(request));
  Table table = TokenTable();
  table.name = "token";
  table.columns.insert(table.columns.begin(), TextColumn("token", "token"));
  table.rows.push_back(RowOf(reply.info(), around.clock.WallMs()));
  table.rows.front().insert(table.rows.front().begin(), reply.token());
  table.notes = {"shown once: put it into a file for 'candor-agent enroll --token-file'"};
  return table;
}

absl::StatusOr<Table> ListTokens(const Surroundings& around, Client& client) {
  CANDOR_ASSIGN_OR_RETURN(const v1::ListTokensReply reply, client.ListTokens());
  Table table = TokenTable();
  for (const v1::Token& token : reply.tokens()) {
    table.rows.push_back(RowOf(token, around.clock.WallMs()));
  }
  return table;
}

Table OneRow(const char* name, const std::string& value, const char* done) {
  Table table;
  table.name = name;
  table.columns = {TextColumn(name, name), TextColumn("state", "state")};
  table.rows.push_back({value, std::string(done)});
  return table;
}

absl::StatusOr<Table> RevokeToken(const Invocation& invocation, Client& client) {
  v1::RevokeTokenRequest request;
  request.set_id(invocation.positional);
  CANDOR_RETURN_IF_ERROR(client.RevokeToken(request));
  return OneRow("id", invocation.positional, "revoked");
}

absl::StatusOr<Table> RevokeDevice(const Invocation& invocation, Client& client) {
  v1::RevokeDeviceRequest request;
  request.set_device(invocation.positional);
  request.set_reason(invocation.Value(Flag::kReason));
  CANDOR_ASSIGN_OR_RETURN(const v1::RevokeDeviceReply reply, client.RevokeDevice(request));
  return OneRow("device", reply.device_id(), "revoked");
}

absl::StatusOr<Table> Act(const Invocation& invocation, const Surroundings& around,
                          Client& client) {
  switch (invocation.command->kind) {
    case CommandKind::kTokenCreate:
      return CreateToken(invocation, around, client);
    case CommandKind::kTokenList:
      return ListTokens(around, client);
    case CommandKind::kTokenRevoke:
      return RevokeToken(invocation, client);
    default:
      return RevokeDevice(invocation, client);
  }
}

}  // namespace

absl::Status RunAdmin(const Invocation& invocation, const Surroundings& around) {
  CANDOR_ASSIGN_OR_RETURN(Credential credential, ConnectionFor(invocation, around));
  Client client(std::move(credential), around.clock);
  absl::StatusOr<Table> table = Act(invocation, around, client);
  if (!table.ok()) return FromCollector(table.status());
  CANDOR_RETURN_IF_ERROR(ShapeHere(invocation, around, *table));
  return Print({*std::move(table)}, invocation, around);
}

}  // namespace candor
