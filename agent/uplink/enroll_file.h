// The file by which IT has a laptop enrol without anybody at its keyboard, put there before or
// after Candor is installed:
//
//   collector = "collector.example.org:7444"   the enrolment listener
//   ca_fingerprint = "SHA-256"                 of the fleet's authority; there is no trust without
//   token = "cnd_…"                            as `candor token create` printed it
//   labels = ["department=Sales"]              of this laptop; may be left out
//
// It belongs to the user that enrols and to nobody else (0600). Once the laptop is enrolled the
// token goes from it; the rest stays, to tell where it enrolled. Any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/uplink/enroll.h"

namespace candor {

// What the file asks for; `state` is left empty. NotFound where there is no file or no token in it
// (any more), FailedPrecondition where others may read it, PermissionDenied where this user may
// not, InvalidArgument naming file, line and key.
absl::StatusOr<EnrollOptions> ReadEnrollFile(const std::string& path);

// Takes the token out of the file, in place: its folder is root's.
absl::Status RemoveToken(const std::string& path);

}  // namespace candor
