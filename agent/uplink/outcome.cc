#include "agent/uplink/outcome.h"

#include "common/status.h"

namespace candor {
namespace {

PushOutcome Denied(const absl::Status& status) {
  const std::string detail(MessageOf(status));
  if (detail.starts_with("revoked")) return {v1::PushDone::REVOKED, detail};
  if (detail.starts_with("wrong role")) return {v1::PushDone::WRONG_ROLE, detail};
  return {v1::PushDone::FAILED, detail};
}

}  // namespace

PushOutcome OutcomeOfStream(const absl::Status& status, bool throttled) {
  const std::string detail(MessageOf(status));
  switch (status.code()) {
    case absl::StatusCode::kOk:
      if (throttled) return {v1::PushDone::THROTTLED, "the collector asks to come back later"};
      return {};
    case absl::StatusCode::kPermissionDenied:
      return Denied(status);
    case absl::StatusCode::kUnauthenticated:
      return {v1::PushDone::NOT_ENROLLED, detail};
    case absl::StatusCode::kResourceExhausted:
      return {v1::PushDone::THROTTLED, detail};
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return {v1::PushDone::UNREACHABLE, detail};
    default:
      return {v1::PushDone::FAILED, detail};
  }
}

PushOutcome OutcomeOfDiagnosis(const Diagnosis& diagnosis, const std::string& collector) {
  switch (diagnosis.fault) {
    case ConnectionFault::kNone:
      return {v1::PushDone::UNREACHABLE, collector + " could not be reached a moment ago"};
    case ConnectionFault::kUnreachable:
      return {v1::PushDone::UNREACHABLE, diagnosis.detail};
    case ConnectionFault::kServerNotTrusted:
      return {v1::PushDone::UNTRUSTED_SERVER, diagnosis.detail};
    case ConnectionFault::kClientExpired:
      return {v1::PushDone::CERTIFICATE_EXPIRED, diagnosis.detail};
    case ConnectionFault::kClientRefused:
      return {v1::PushDone::FAILED, diagnosis.detail};
  }
  return {v1::PushDone::FAILED, diagnosis.detail};
}

PushOutcome OutcomeOfEnrollment(const absl::Status& status) {
  const std::string detail = "not enrolled: " + std::string(MessageOf(status));
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return {v1::PushDone::UNREACHABLE, detail};
    case absl::StatusCode::kResourceExhausted:
      return {v1::PushDone::THROTTLED, detail};
    case absl::StatusCode::kUnauthenticated:
      return {v1::PushDone::UNTRUSTED_SERVER, detail};
    default:
      return {v1::PushDone::FAILED, detail};
  }
}

PushOutcome OutcomeOfDates(const Certificate& certificate, int64_t now_ms) {
  const std::string detail(MessageOf(certificate.CheckDates(now_ms, "this laptop's")));
  switch (certificate.ValidityAt(now_ms)) {
    case Validity::kExpired:
      return {v1::PushDone::CERTIFICATE_EXPIRED, detail};
    case Validity::kNotYetValid:
      return {v1::PushDone::CERTIFICATE_NOT_YET_VALID, detail};
    case Validity::kValid:
      break;
  }
  return {};
}

PushOutcome OutcomeOfRenewal(const absl::Status& status, const PushOutcome& dates) {
  if (absl::IsPermissionDenied(status) && Denied(status).outcome == v1::PushDone::REVOKED) {
    return Denied(status);
  }
  return {dates.outcome, dates.detail + "; renewing it failed: " + std::string(MessageOf(status))};
}

}  // namespace candor
