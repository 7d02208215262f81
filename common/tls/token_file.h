// The file in which an operator hands an enrolment token to whoever enrols. Pure functions, any
// thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace candor {

// The one token in the file, whatever stands around it: the table or JSON that `candor token
// create` printed, or the bare text. InvalidArgument where there is none or more than one; the
// errors of ReadFile (common/files.h).
absl::StatusOr<std::string> ReadTokenFile(const std::string& path);

}  // namespace candor
