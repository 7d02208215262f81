// What every TLS server of this process does, whoever makes it (gRPC offers no switch for it).
#pragma once

#include "absl/status/status.h"

namespace candor {

// TLS servers made from now on hand out no session tickets. With client certificates a ticket
// carries the client's certificate: two of them are more than half of what a short push receives,
// and a process that lives for one push can never use them. Repeating it does nothing. Any thread,
// before the servers are made.
absl::Status DisableSessionTickets();

}  // namespace candor
