#include "collector/identity/administration.h"

#include <memory>
#include <utility>
#include <vector>

#include "collector/identity/audit.h"
#include "collector/identity/token.h"
#include "common/status.h"
#include "common/tls/labels.h"

namespace candor {
namespace {

constexpr size_t kListedMax = 5;

void FillToken(const TokenRow& row, v1::Token& token) {
  token.set_id(row.id);
  token.set_uses_left(row.uses_left);
  token.set_created_ms(row.created_ms);
  token.set_expires_ms(row.expires_ms);
  token.set_revoked(row.revoked);
}

absl::StatusOr<TokenRow> NewToken(const v1::CreateTokenRequest& request, int64_t now_ms,
                                  Random& random) {
  if (request.uses() > kTokenUsesMax) {
    return absl::InvalidArgumentError("a token has at most 1000000 uses");
  }
  if (request.expires_s() > static_cast<uint64_t>(kTokenLifeMsMax / 1000)) {
    return absl::InvalidArgumentError("a token expires within 366 days");
  }
  const int64_t life_ms =
      request.expires_s() == 0 ? kTokenLifeMs : static_cast<int64_t>(request.expires_s()) * 1000;
  return TokenRow{MakeTokenId(random), request.uses() == 0 ? 1 : request.uses(), now_ms,
                  now_ms + life_ms, false};
}

struct FoundDevice {
  std::string id;
  bool revoked = false;
};

absl::StatusOr<std::vector<FoundDevice>> FindDevices(Database& db, const std::string& name) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement rows,
      db.Prepare(IsUuid(name)
                     ? "SELECT device_id, revoked_ms FROM device WHERE device_id = ?"
                     : "SELECT device_id, revoked_ms FROM device WHERE host = ? ORDER BY no"));
  rows.BindAll(name);
  std::vector<FoundDevice> found;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return found;
    found.push_back({std::string(rows.Text(0)), !rows.IsNull(1)});
  }
}

absl::Status Ambiguous(const std::string& name, const std::vector<FoundDevice>& devices) {
  std::string message =
      std::to_string(devices.size()) + " devices are called " + name + ", give an id: ";
  for (size_t i = 0; i < devices.size() && i < kListedMax; ++i) {
    message.append(i == 0 ? "" : ", ").append(devices[i].id);
  }
  return absl::FailedPreconditionError(message + (devices.size() > kListedMax ? ", …" : ""));
}

// The one device meant: a host that enrolled anew leaves revoked namesakes behind.
absl::StatusOr<FoundDevice> TheDevice(Database& db, const std::string& name) {
  CANDOR_ASSIGN_OR_RETURN(std::vector<FoundDevice> devices, FindDevices(db, name));
  if (devices.empty()) return absl::NotFoundError("no device is called " + name);
  std::vector<FoundDevice> active;
  for (const FoundDevice& device : devices) {
    if (!device.revoked) active.push_back(device);
  }
  const std::vector<FoundDevice>& meant = active.empty() ? devices : active;
  return meant.size() == 1 ? absl::StatusOr<FoundDevice>(meant.front()) : Ambiguous(name, meant);
}

absl::Status MarkRevoked(Database& db, const std::string& device_id, int64_t now_ms,
                         const std::string& reason) {
  CANDOR_ASSIGN_OR_RETURN(Statement update,
                          db.Prepare("UPDATE device SET revoked_ms = ?, revoked_reason = ? "
                                     "WHERE device_id = ? AND revoked_ms IS NULL"));
  return update.BindAll(now_ms, reason, device_id).Run();
}

// Commits `write`, then hands `*reply` or the error to `done`.
template <typename Reply>
void Commit(Writer& writer, Writer::WriteFn write, std::shared_ptr<Reply> reply,
            std::function<void(absl::StatusOr<Reply>)> done) {
  writer.Submit(std::move(write),
                [reply = std::move(reply), done = std::move(done)](const absl::Status& status) {
                  if (status.ok()) {
                    done(std::move(*reply));
                  } else {
                    done(status);
                  }
                });
}

}  // namespace

void Administration::CreateToken(const Identity& actor, const v1::CreateTokenRequest& request,
                                 Done<v1::CreateTokenReply> done) {
  const int64_t now_ms = parts_.clock.WallMs();
  const absl::StatusOr<TokenRow> row = NewToken(request, now_ms, parts_.random);
  if (!row.ok()) return done(row.status());
  auto reply = std::make_shared<v1::CreateTokenReply>();
  reply->set_token(MakeTokenText(parts_.random));
  FillToken(*row, *reply->mutable_info());
  Commit<v1::CreateTokenReply>(
      parts_.writer,
      [actor = actor.Text(), row = *row, hash = TokenHash(reply->token())](Database& db) {
        CANDOR_RETURN_IF_ERROR(InsertToken(db, row, hash));
        return AppendAudit(db, {row.created_ms, actor, "token create", row.id, ""});
      },
      reply, std::move(done));
}

void Administration::ListTokens(const Identity& actor, Done<v1::ListTokensReply> done) {
  auto reply = std::make_shared<v1::ListTokensReply>();
  Commit<v1::ListTokensReply>(
      parts_.writer,
      [reply, actor = actor.Text(), now_ms = parts_.clock.WallMs()](Database& db) -> absl::Status {
        CANDOR_ASSIGN_OR_RETURN(const std::vector<TokenRow> tokens, candor::ListTokens(db));
        for (const TokenRow& token : tokens) FillToken(token, *reply->add_tokens());
        return AppendAudit(db, {now_ms, actor, "token list", "", ""});
      },
      reply, std::move(done));
}

void Administration::RevokeToken(const Identity& actor, const v1::RevokeTokenRequest& request,
                                 Done<v1::RevokeTokenReply> done) {
  Commit<v1::RevokeTokenReply>(
      parts_.writer,
      [actor = actor.Text(), id = request.id(), now_ms = parts_.clock.WallMs()](Database& db) {
        CANDOR_RETURN_IF_ERROR(candor::RevokeToken(db, id));
        return AppendAudit(db, {now_ms, actor, "token revoke", id, ""});
      },
      std::make_shared<v1::RevokeTokenReply>(), std::move(done));
}

void Administration::RevokeDevice(const Identity& actor, const v1::RevokeDeviceRequest& request,
                                  Done<v1::RevokeDeviceReply> done) {
  if (absl::Status status = CheckDeviceHost(request.device()); !status.ok()) return done(status);
  if (absl::Status status = CheckReason(request.reason()); !status.ok()) return done(status);
  auto reply = std::make_shared<v1::RevokeDeviceReply>();
  Commit<v1::RevokeDeviceReply>(
      parts_.writer,
      [reply, actor = actor.Text(), request,
       now_ms = parts_.clock.WallMs()](Database& db) -> absl::Status {
        CANDOR_ASSIGN_OR_RETURN(const FoundDevice device, TheDevice(db, request.device()));
        CANDOR_RETURN_IF_ERROR(MarkRevoked(db, device.id, now_ms, request.reason()));
        reply->set_device_id(device.id);
        return AppendAudit(db, {now_ms, actor, "device revoke", device.id, request.reason()});
      },
      reply,
      [this, done = std::move(done)](absl::StatusOr<v1::RevokeDeviceReply> result) {
        if (result.ok()) parts_.directory.Revoke(result->device_id());
        done(std::move(result));
      });
}

}  // namespace candor
