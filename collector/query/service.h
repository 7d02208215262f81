// The Query service (proto/candor/v1/query.proto): questions come in on gRPC's threads, are
// answered by a pool of their own with read connections of their own, and go out in parts. `watch`
// answers again and again, whenever something changed, until the caller goes.
//
// Who may ask is settled by the certificate (collector/identity/roles.h); every look at one device
// and every SQL statement is in the audit log before it is answered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "collector/query/question.h"
#include "collector/score/model.h"
#include "common/clock.h"

namespace grpc {
class Service;
}

namespace candor {

class Store;
class Writer;

struct QueryServiceOptions {
  int threads = 2;
  int64_t watch_interval_ms = 2'000;
  // A device somebody watches pushes every minute for so long after the last look.
  int64_t watched_for_ms = 120'000;
};

struct QueryServiceParts {
  const Store& store;
  AuditSink audit;
  ModelSet models;
  const Clock& clock;
  // Told that IT looks at this device until then; may be empty. Called on the pool's threads.
  std::function<void(int64_t device, int64_t until_ms)> watch;
  QueryServiceOptions options;
};

// What the parts refer to must outlive the service, and the service its server. Destroy the server
// first, then the service, then the Writer behind the audit.
absl::StatusOr<std::unique_ptr<grpc::Service>> MakeQueryService(QueryServiceParts parts);

// An audit sink that appends to the store's audit log and returns when the row is on disk.
AuditSink MakeAuditSink(Writer& writer, const Clock& clock);

}  // namespace candor
