#include "collector/identity/enroller.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "collector/identity/fleet.h"
#include "collector/identity/token.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/status.h"
#include "common/tls/labels.h"

namespace candor {
namespace {

constexpr size_t kTokenBytesMax = 128;
constexpr size_t kVersionBytesMax = 64;
constexpr size_t kRequestIdBytesMin = 16;
constexpr size_t kRequestIdBytesMax = 64;
constexpr size_t kCertificateBytesMax = 4096;
constexpr size_t kProofBytesMax = 256;
// The same for every reason: a stranger learns nothing, and who has a token what it can be.
constexpr char kEnrollmentRefused[] =
    "enrolment refused: most likely the token is unknown, withdrawn, expired or used up; the "
    "collector's log tells";
constexpr char kRenewalRefused[] = "renewal refused";

// Reasons for the log only carry this code; see Refuse.
absl::Status Refusal(const std::string& reason) { return absl::PermissionDeniedError(reason); }

absl::Status CheckRequest(const v1::EnrollRequest& request) {
  if (request.token().size() > kTokenBytesMax) return Refusal("the token is too long");
  if (request.request_id().size() < kRequestIdBytesMin ||
      request.request_id().size() > kRequestIdBytesMax) {
    return Refusal("the request's id must have 16 to 64 bytes");
  }
  if (request.agent_version().size() > kVersionBytesMax || !IsCleanUtf8(request.agent_version())) {
    return Refusal("the agent's version is no version");
  }
  CANDOR_RETURN_IF_ERROR(CheckDeviceHost(request.host()));
  std::vector<std::pair<std::string, std::string>> labels;
  if (request.labels_size() > static_cast<int>(kLabelsMax)) return Refusal("more than 16 labels");
  for (const v1::Label& label : request.labels()) labels.emplace_back(label.key(), label.value());
  return CheckLabels(labels);
}

struct NewDevice {
  int64_t no = 0;
  std::string id;
};

// The device this very request made before. NotFound when there is none yet.
absl::StatusOr<NewDevice> FindRequest(Database& db, const std::string& request_id) {
  CANDOR_ASSIGN_OR_RETURN(Statement row,
                          db.Prepare("SELECT no, device_id, revoked_ms, last_seen_ms FROM device "
                                     "WHERE request_id = ?"));
  row.BindAll(Statement::Blob{request_id});
  CANDOR_ASSIGN_OR_RETURN(const bool known, row.Step());
  if (!known) return absl::NotFoundError("a new request");
  const NewDevice device = {row.Int(0), std::string(row.Text(1))};
  if (!row.IsNull(2)) return Refusal("device " + device.id + " was revoked");
  if (!row.IsNull(3)) return Refusal("device " + device.id + " already uses its certificate");
  return device;
}

absl::StatusOr<NewDevice> InsertDevice(Database& db, const v1::EnrollRequest& request,
                                       const std::string& device_id, int64_t now_ms) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement insert,
      db.Prepare("INSERT INTO device (device_id, host, enrolled_ms, certificate_serial, "
                 "certificate_not_after_ms, agent_version, request_id) "
                 "VALUES (?, ?, ?, '', 0, ?, ?)"));
  CANDOR_RETURN_IF_ERROR(insert
                             .BindAll(device_id, request.host(), now_ms, request.agent_version(),
                                      Statement::Blob{request.request_id()})
                             .Run());
  const NewDevice device = {db.last_insert_rowid(), device_id};
  CANDOR_ASSIGN_OR_RETURN(
      Statement label,
      db.Prepare("INSERT INTO device_label (device, key, value) VALUES (?, ?, ?)"));
  for (const v1::Label& entry : request.labels()) {
    CANDOR_RETURN_IF_ERROR(label.BindAll(device.no, entry.key(), entry.value()).Run());
  }
  return device;
}

absl::Status SetCertificate(Database& db, const std::string& device_id,
                            const Certificate& certificate) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement update,
      db.Prepare("UPDATE device SET certificate_serial = ?, certificate_not_after_ms = ? "
                 "WHERE device_id = ?"));
  return update.BindAll(certificate.Serial(), certificate.not_after_ms(), device_id).Run();
}

v1::EnrollReply MakeReply(const EnrollerParts& parts, const std::string& device_id,
                          const Certificate& certificate) {
  v1::EnrollReply reply;
  reply.set_device_id(device_id);
  reply.set_certificate_der(certificate.Der());
  reply.set_ca_der(parts.authority.certificate().Der());
  reply.set_device_key(DeviceKey(parts.fleet_key, device_id));
  reply.set_not_after_ms(certificate.not_after_ms());
  return reply;
}

// One enrolment on its way through the committer.
struct Enrollment {
  v1::EnrollRequest request;
  CertificateRequest csr;
  NewDevice device;
  bool repeated = false;
  v1::EnrollReply reply;
};

// On the committer's thread, in the enrolment's own savepoint.
absl::Status WriteEnrollment(const EnrollerParts& parts, Enrollment& enrollment, Database& db) {
  const int64_t now_ms = parts.clock.WallMs();
  const v1::EnrollRequest& request = enrollment.request;
  CANDOR_ASSIGN_OR_RETURN(const TokenRow token, FindToken(db, TokenHash(request.token())));
  absl::StatusOr<NewDevice> device = FindRequest(db, request.request_id());
  enrollment.repeated = device.ok();
  if (absl::IsNotFound(device.status())) {
    CANDOR_RETURN_IF_ERROR(UseToken(db, token, now_ms));
    device = InsertDevice(db, request, UuidText(parts.random.Bytes(16)), now_ms);
  }
  if (!device.ok()) return device.status();
  enrollment.device = *device;
  CANDOR_ASSIGN_OR_RETURN(const Certificate certificate,
                          parts.authority.IssueClient(enrollment.csr, {Role::kAgent, device->id},
                                                      now_ms, parts.random));
  CANDOR_RETURN_IF_ERROR(SetCertificate(db, device->id, certificate));
  enrollment.reply = MakeReply(parts, device->id, certificate);
  return absl::OkStatus();
}

// What the laptop hears; what happened goes to the log.
absl::Status Refuse(const absl::Status& status, const char* what, const std::string& peer) {
  LogWarning(what, {{"peer", peer}, {"reason", MessageOf(status)}});
  const bool caller = absl::IsPermissionDenied(status) || absl::IsInvalidArgument(status) ||
                      absl::IsUnauthenticated(status);
  if (caller) return absl::PermissionDeniedError(what);
  return absl::UnavailableError("the collector cannot store anything at the moment");
}

struct Renewal {
  std::string device_id;
  Certificate old;
  CertificateRequest csr;
};

// Everything that needs no store: who asks, and with whose key.
absl::StatusOr<Renewal> CheckRenewal(const EnrollerParts& parts, const v1::RenewRequest& request) {
  if (request.certificate_der().size() > kCertificateBytesMax ||
      request.proof().size() > kProofBytesMax) {
    return Refusal("a field is too long");
  }
  CANDOR_ASSIGN_OR_RETURN(Certificate old, Certificate::FromDer(request.certificate_der()));
  const int64_t now_ms = parts.clock.WallMs();
  if (now_ms > old.not_after_ms() + kRenewalGraceMs) {
    return Refusal("the old certificate expired too long ago");
  }
  // Judged as of its last valid moment: an expired certificate still tells whose key it is.
  CANDOR_RETURN_IF_ERROR(VerifyIssuedBy(old, parts.authority.certificate(), Purpose::kClient,
                                        std::min(now_ms, old.not_after_ms()), "the old"));
  CANDOR_ASSIGN_OR_RETURN(const Identity identity, IdentityOf(old.Uris()));
  if (identity != Identity{Role::kAgent, request.device_id()}) {
    return Refusal("the old certificate is not that device's");
  }
  CANDOR_RETURN_IF_ERROR(old.VerifySignature(request.csr_der(), request.proof()));
  CANDOR_ASSIGN_OR_RETURN(CertificateRequest csr, CertificateRequest::FromDer(request.csr_der()));
  return Renewal{request.device_id(), std::move(old), std::move(csr)};
}

// Between a half of its life, so that a clock that is wrong cannot make a laptop renew for ever,
// and two thirds, when a laptop asks.
absl::Status CheckDue(const Certificate& old, int64_t now_ms) {
  const int64_t life_ms = old.not_after_ms() - old.not_before_ms();
  if (now_ms >= old.not_before_ms() + life_ms / 2) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "renewal is not due by the collector's clock: check the clock of this laptop");
}

}  // namespace

void Enroller::Enroll(const v1::EnrollRequest& request, const std::string& peer, Done done) {
  if (absl::Status status = CheckRequest(request); !status.ok()) {
    return done(Refuse(status, kEnrollmentRefused, peer));
  }
  absl::StatusOr<CertificateRequest> csr = CertificateRequest::FromDer(request.csr_der());
  if (!csr.ok()) return done(Refuse(csr.status(), kEnrollmentRefused, peer));
  auto enrollment = std::make_shared<Enrollment>(Enrollment{request, *csr, {}, false, {}});
  parts_.writer.Submit(
      [this, enrollment](Database& db) { return WriteEnrollment(parts_, *enrollment, db); },
      [this, enrollment, peer, done = std::move(done)](const absl::Status& status) {
        if (!status.ok()) return done(Refuse(status, kEnrollmentRefused, peer));
        parts_.directory.Add(enrollment->device.id, enrollment->device.no);
        LogInfo("device enrolled", {{"device", enrollment->device.id},
                                    {"peer", peer},
                                    {"repeated", enrollment->repeated ? "yes" : "no"}});
        done(std::move(enrollment->reply));
      });
}

void Enroller::Renew(const v1::RenewRequest& request, const std::string& peer, Done done) {
  const absl::StatusOr<Renewal> renewal = CheckRenewal(parts_, request);
  if (!renewal.ok()) return done(Refuse(renewal.status(), kRenewalRefused, peer));
  // The caller has proved to hold the device's key: it may hear the reasons.
  const Identity identity = {Role::kAgent, renewal->device_id};
  if (const auto admitted = parts_.directory.Admit(identity); !admitted.ok()) {
    return done(admitted.status());
  }
  const int64_t now_ms = parts_.clock.WallMs();
  if (absl::Status due = CheckDue(renewal->old, now_ms); !due.ok()) return done(due);
  const absl::StatusOr<Certificate> certificate =
      parts_.authority.IssueClient(renewal->csr, identity, now_ms, parts_.random);
  if (!certificate.ok()) return done(Refuse(certificate.status(), kRenewalRefused, peer));
  parts_.writer.Submit([id = renewal->device_id, issued = *certificate](
                           Database& db) { return SetCertificate(db, id, issued); },
                       [this, id = renewal->device_id, issued = *certificate, peer,
                        done = std::move(done)](const absl::Status& status) {
                         if (!status.ok()) return done(Refuse(status, kRenewalRefused, peer));
                         LogInfo("certificate renewed", {{"device", id}, {"peer", peer}});
                         done(MakeReply(parts_, id, issued));
                       });
}

}  // namespace candor
