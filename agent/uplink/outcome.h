// How a push ended, in the words of PushDone: pure functions from what was found.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "candor/v1/local.pb.h"
#include "common/rpc/channel.h"
#include "common/tls/certificate.h"

namespace candor {

struct PushOutcome {
  v1::PushDone::Outcome outcome = v1::PushDone::OK;
  std::string detail;  // one clear line; empty for OK
};

// Of the status that the collector ended the stream with; `throttled` when it asked to come later.
PushOutcome OutcomeOfStream(const absl::Status& status, bool throttled);
// Of a connection that could not be made; `collector` is its address.
PushOutcome OutcomeOfDiagnosis(const Diagnosis& diagnosis, const std::string& collector);
// Of an enrolment that failed.
PushOutcome OutcomeOfEnrollment(const absl::Status& status);
// Of the own certificate's dates.
PushOutcome OutcomeOfDates(const Certificate& certificate, int64_t now_ms);
// Of a renewal that an expired certificate needed and did not get; `dates` is OutcomeOfDates.
PushOutcome OutcomeOfRenewal(const absl::Status& status, const PushOutcome& dates);

}  // namespace candor
