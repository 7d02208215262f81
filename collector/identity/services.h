// The two gRPC services about identity. What their parts refer to must outlive the service, and the
// service its server; the server must have shut down before the Writer ends.
#pragma once

#include <atomic>
#include <memory>

#include "collector/identity/administration.h"
#include "collector/identity/enroller.h"
#include "collector/identity/rate_limiter.h"

namespace grpc {
class Service;
}

namespace candor {

struct EnrollmentLimits {
  // Calls by address and by everybody: a whole office may enrol behind one address.
  RateLimiter::Options calls = {.each = {50, 2'000}, .all = {500, 5'000}};
  // Refusals by address: whoever is refused so often is not heard for a while.
  RateLimiter::Options refusals = {.each = {0.2, 20}, .all = {50, 1'000}};
};

// On the enrolment listener. `fleet_port` is told to laptops: set it once the port is known.
std::unique_ptr<grpc::Service> MakeEnrollmentService(const EnrollerParts& parts,
                                                     const std::atomic<uint32_t>& fleet_port,
                                                     const EnrollmentLimits& limits = {});

// On the fleet listener, for administrators only.
std::unique_ptr<grpc::Service> MakeAdminService(const Administration::Parts& parts);

}  // namespace candor
