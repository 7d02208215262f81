#include <grpcpp/support/server_callback.h>

#include <utility>

#include "candor/v1/enrollment.grpc.pb.h"
#include "collector/identity/peer.h"
#include "collector/identity/services.h"
#include "common/rpc/channel.h"
#include "common/status.h"

namespace candor {
namespace {

class EnrollmentService final : public v1::Enrollment::CallbackService {
 public:
  EnrollmentService(const EnrollerParts& parts, const std::atomic<uint32_t>& fleet_port,
                    const EnrollmentLimits& limits)
      : enroller_(parts),
        fleet_port_(fleet_port),
        calls_(limits.calls, parts.clock),
        refusals_(limits.refusals, parts.clock) {}

  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context,
                                   const v1::EnrollRequest* request,
                                   v1::EnrollReply* reply) override {
    return Serve(context, reply, [&](const std::string& peer, Enroller::Done done) {
      enroller_.Enroll(*request, peer, std::move(done));
    });
  }

  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context,
                                  const v1::RenewRequest* request,
                                  v1::EnrollReply* reply) override {
    return Serve(context, reply, [&](const std::string& peer, Enroller::Done done) {
      enroller_.Renew(*request, peer, std::move(done));
    });
  }

 private:
  template <typename Call>
  grpc::ServerUnaryReactor* Serve(grpc::CallbackServerContext* context, v1::EnrollReply* reply,
                                  Call call) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const std::string peer = PeerAddress(*context);
    if (!refusals_.Allows(peer) || !calls_.Take(peer)) {
      reactor->Finish(ToGrpc(absl::ResourceExhaustedError("too many requests: try again later")));
      return reactor;
    }
    call(peer, [this, reactor, reply, peer](absl::StatusOr<v1::EnrollReply> result) {
      const grpc::Status status = ToGrpc(result.status());
      if (result.ok()) {
        *reply = *std::move(result);
        reply->set_fleet_port(fleet_port_.load());
      } else if (absl::IsPermissionDenied(result.status())) {
        refusals_.Take(peer);
      }
      reactor->Finish(status);
    });
    return reactor;
  }

  Enroller enroller_;
  const std::atomic<uint32_t>& fleet_port_;
  RateLimiter calls_;
  RateLimiter refusals_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEnrollmentService(const EnrollerParts& parts,
                                                     const std::atomic<uint32_t>& fleet_port,
                                                     const EnrollmentLimits& limits) {
  return std::make_unique<EnrollmentService>(parts, fleet_port, limits);
}

}  // namespace candor
