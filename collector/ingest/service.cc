#include "collector/ingest/service.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "candor/v1/ingest.grpc.pb.h"
#include "collector/ingest/stream.h"

namespace candor {
namespace {

constexpr double kHandshakeSeconds = 0.002;
constexpr double kShareOfCores = 0.25;

class IngestService final : public v1::Ingest::CallbackService {
 public:
  explicit IngestService(IngestParts parts) : shared_{std::move(parts), {}, {}} {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::CollectorMessage>* Stream(
      grpc::CallbackServerContext* context) override {
    return IngestStream::Start(shared_, shared_.parts.access.admit(*context));
  }

 private:
  IngestShared shared_;
};

}  // namespace

uint32_t ReconnectWindowSeconds(size_t devices, int cores) {
  const double seconds =
      static_cast<double>(devices) * kHandshakeSeconds / (std::max(cores, 1) * kShareOfCores);
  return std::max<uint32_t>(1, static_cast<uint32_t>(std::ceil(seconds)));
}

std::unique_ptr<grpc::Service> MakeIngestService(IngestParts parts) {
  return std::make_unique<IngestService>(std::move(parts));
}

}  // namespace candor
