// Measures a configured service from this laptop: the time of a TLS handshake with it, and the time
// from a request on that connection to the first byte of the answer. A service that is configured
// without TLS has no handshake, and its first byte is measured in the clear. A certificate need
// not be trusted: this measures speed, and nothing is sent but "GET path" and the host name.
// Blocking; any thread.
#pragma once

#include <cstdint>

#include "candor/v1/local.pb.h"

namespace candor {

struct ProbeCost {
  uint64_t bytes_sent = 0;
  uint64_t bytes_received = 0;
};

// One connection, at most `timeout_ms` for connecting and again for the answer. What could not be
// measured is absent and `failure` says why. Adds what it cost to `cost`.
v1::ServiceProbe ProbeService(const v1::Configuration::Service& service, int64_t timeout_ms,
                              ProbeCost& cost);

}  // namespace candor
