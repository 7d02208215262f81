#include <grpcpp/support/server_callback.h>

#include <utility>

#include "candor/v1/admin.grpc.pb.h"
#include "collector/identity/peer.h"
#include "collector/identity/roles.h"
#include "collector/identity/services.h"
#include "common/rpc/channel.h"

namespace candor {
namespace {

class AdminService final : public v1::Admin::CallbackService {
 public:
  explicit AdminService(const Administration::Parts& parts) : administration_(parts) {}

  grpc::ServerUnaryReactor* CreateToken(grpc::CallbackServerContext* context,
                                        const v1::CreateTokenRequest* request,
                                        v1::CreateTokenReply* reply) override {
    return Serve(context, rpc::kAdminCreateToken, reply, [&](const Identity& actor, auto done) {
      administration_.CreateToken(actor, *request, std::move(done));
    });
  }

  grpc::ServerUnaryReactor* ListTokens(grpc::CallbackServerContext* context,
                                       const v1::ListTokensRequest*,
                                       v1::ListTokensReply* reply) override {
    return Serve(context, rpc::kAdminListTokens, reply, [&](const Identity& actor, auto done) {
      administration_.ListTokens(actor, std::move(done));
    });
  }

  grpc::ServerUnaryReactor* RevokeToken(grpc::CallbackServerContext* context,
                                        const v1::RevokeTokenRequest* request,
                                        v1::RevokeTokenReply* reply) override {
    return Serve(context, rpc::kAdminRevokeToken, reply, [&](const Identity& actor, auto done) {
      administration_.RevokeToken(actor, *request, std::move(done));
    });
  }

  grpc::ServerUnaryReactor* RevokeDevice(grpc::CallbackServerContext* context,
                                         const v1::RevokeDeviceRequest* request,
                                         v1::RevokeDeviceReply* reply) override {
    return Serve(context, rpc::kAdminRevokeDevice, reply, [&](const Identity& actor, auto done) {
      administration_.RevokeDevice(actor, *request, std::move(done));
    });
  }

 private:
  // `call` gets who calls and what to do with the answer.
  template <typename Reply, typename Call>
  grpc::ServerUnaryReactor* Serve(grpc::CallbackServerContext* context, std::string_view rpc,
                                  Reply* reply, Call call) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const absl::StatusOr<Identity> actor = AuthorizePeer(*context, rpc);
    if (!actor.ok()) {
      reactor->Finish(ToGrpc(actor.status()));
      return reactor;
    }
    call(*actor, Administration::Done<Reply>([reactor, reply](absl::StatusOr<Reply> result) {
      const grpc::Status status = ToGrpc(result.status());
      if (result.ok()) *reply = *std::move(result);
      reactor->Finish(status);
    }));
    return reactor;
  }

  Administration administration_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(const Administration::Parts& parts) {
  return std::make_unique<AdminService>(parts);
}

}  // namespace candor
