// Whose files a command given by root writes. Changes the process; call it before any thread
// starts.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace candor {

// Root, about to write into a folder of somebody else, becomes that user for good: what it writes
// is theirs to read, and no link in there leads root astray. Nothing to do for anybody else, for a
// folder of root's own and for one that does not exist yet.
absl::Status BecomeOwnerOf(const std::string& folder);

}  // namespace candor
