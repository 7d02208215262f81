// The Ingest service: one bidirectional stream per push (proto/candor/v1/ingest.proto).
//
// gRPC's callback threads read, check and queue; the committer stores; the queue's answer thread
// acknowledges. Nothing here blocks. One message object a stream is read into, one write is under
// way at a time, acknowledgements gather while it is.
//
// How a stream ends, besides OK: PERMISSION_DENIED "revoked: …" or "wrong role: …",
// INVALID_ARGUMENT for a laptop that does not keep to the protocol, RESOURCE_EXHAUSTED after a
// Throttle, ABORTED when a newer stream of the same device took over, UNAVAILABLE when the store
// could not commit. Whatever was acknowledged before is on disk.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "collector/ingest/configurations.h"
#include "collector/ingest/ingest_queue.h"
#include "collector/ingest/stats.h"
#include "common/clock.h"
#include "common/random.h"

namespace grpc {
class ServerContextBase;
class Service;
}  // namespace grpc

namespace candor {

// Who may stream. Called on gRPC's threads: must be quick and thread-safe.
struct IngestAccess {
  // device.no behind the certificate of this connection.
  std::function<absl::StatusOr<int64_t>(const grpc::ServerContextBase& context)> admit;
  // OK while this device may send; asked for every batch.
  std::function<absl::Status(int64_t device)> may_send;
  // Enrolled devices, not revoked.
  std::function<size_t()> devices;
};

struct IngestLimits {
  size_t pending_bytes_max = 64 << 20;        // received and not yet committed, all streams
  size_t stream_pending_bytes_max = 4 << 20;  // the same, of one stream: then it is not read from
  int streams_max = 10'000;
  int cores = 1;  // of this machine
};

// How long laptops spread their first retry after a lost collector: devices times the 2 ms that a
// handshake costs, over a quarter of the cores.
uint32_t ReconnectWindowSeconds(size_t devices, int cores);

struct IngestParts {
  IngestQueue& queue;
  IngestStats& stats;
  Configurations& configurations;
  const Clock& clock;
  Random& random;  // thread-safe
  IngestAccess access;
  IngestLimits limits;
};

// What the parts refer to must outlive the service, and the service the server.
std::unique_ptr<grpc::Service> MakeIngestService(IngestParts parts);

// Largest gRPC message the server must accept, so that a batch over its limit is refused as one
// batch and not as a stream.
constexpr int kIngestMessageBytesMax = 16 << 20;

}  // namespace candor
