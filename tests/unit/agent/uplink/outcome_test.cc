#include "agent/uplink/outcome.h"

#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("The collector's last word has one meaning", "[uplink]") {
  using Done = v1::PushDone;
  REQUIRE(OutcomeOfStream(absl::OkStatus(), false).outcome == Done::OK);
  REQUIRE(OutcomeOfStream(absl::OkStatus(), false).detail.empty());
  REQUIRE(OutcomeOfStream(absl::OkStatus(), true).outcome == Done::THROTTLED);
  REQUIRE(OutcomeOfStream(absl::ResourceExhaustedError("later"), true).outcome == Done::THROTTLED);
  REQUIRE(
      OutcomeOfStream(absl::PermissionDeniedError("revoked: by an administrator"), false).outcome ==
      Done::REVOKED);
  REQUIRE(OutcomeOfStream(absl::PermissionDeniedError("wrong role: hr"), false).outcome ==
          Done::WRONG_ROLE);
  REQUIRE(OutcomeOfStream(absl::PermissionDeniedError("no"), false).outcome == Done::FAILED);
  REQUIRE(OutcomeOfStream(absl::UnauthenticatedError("not enrolled: …"), false).outcome ==
          Done::NOT_ENROLLED);
  REQUIRE(OutcomeOfStream(absl::UnavailableError("gone"), false).outcome == Done::UNREACHABLE);
  REQUIRE(OutcomeOfStream(absl::DeadlineExceededError("late"), false).outcome == Done::UNREACHABLE);
  REQUIRE(OutcomeOfStream(absl::AbortedError("newer stream"), false).outcome == Done::FAILED);
  REQUIRE(OutcomeOfStream(absl::AbortedError("newer stream"), false).detail == "newer stream");
}

TEST_CASE("What keeps a connection from being made has one meaning", "[uplink]") {
  using Done = v1::PushDone;
  const auto of = [](ConnectionFault fault) { return OutcomeOfDiagnosis({fault, "why"}, "c:1"); };
  REQUIRE(of(ConnectionFault::kNone).outcome == Done::UNREACHABLE);
  REQUIRE(of(ConnectionFault::kUnreachable).outcome == Done::UNREACHABLE);
  REQUIRE(of(ConnectionFault::kServerNotTrusted).outcome == Done::UNTRUSTED_SERVER);
  REQUIRE(of(ConnectionFault::kClientExpired).outcome == Done::CERTIFICATE_EXPIRED);
  REQUIRE(of(ConnectionFault::kClientRefused).outcome == Done::FAILED);
  REQUIRE(of(ConnectionFault::kClientRefused).detail == "why");
}

TEST_CASE("An enrolment that failed comes again soon only where the way there was the trouble") {
  using Done = v1::PushDone;
  CHECK(OutcomeOfEnrollment(absl::UnavailableError("away")).outcome == Done::UNREACHABLE);
  CHECK(OutcomeOfEnrollment(absl::DeadlineExceededError("slow")).outcome == Done::UNREACHABLE);
  CHECK(OutcomeOfEnrollment(absl::ResourceExhaustedError("later")).outcome == Done::THROTTLED);
  CHECK(OutcomeOfEnrollment(absl::UnauthenticatedError("who")).outcome == Done::UNTRUSTED_SERVER);
  CHECK(OutcomeOfEnrollment(absl::PermissionDeniedError("token")).outcome == Done::FAILED);
  CHECK(OutcomeOfEnrollment(absl::InvalidArgumentError("x:1: collector")).detail ==
        "not enrolled: x:1: collector");
}

TEST_CASE("A renewal that failed says both what was wrong and why it stays so", "[uplink]") {
  const PushOutcome dates = {v1::PushDone::CERTIFICATE_EXPIRED, "expired at T"};
  const PushOutcome failed = OutcomeOfRenewal(absl::UnavailableError("nobody there"), dates);
  REQUIRE(failed.outcome == v1::PushDone::CERTIFICATE_EXPIRED);
  REQUIRE(failed.detail == "expired at T; renewing it failed: nobody there");
  REQUIRE(OutcomeOfRenewal(absl::PermissionDeniedError("revoked: gone"), dates).outcome ==
          v1::PushDone::REVOKED);
  REQUIRE(OutcomeOfRenewal(absl::PermissionDeniedError("renewal refused"), dates).outcome ==
          v1::PushDone::CERTIFICATE_EXPIRED);
}

}  // namespace
}  // namespace candor
