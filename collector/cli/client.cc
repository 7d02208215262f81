#include "collector/cli/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <mutex>
#include <utility>

#include "candor/v1/admin.grpc.pb.h"
#include "candor/v1/query.grpc.pb.h"
#include "collector/query/table_wire.h"
#include "collector/query/text.h"
#include "common/rpc/channel.h"
#include "common/status.h"

namespace candor {

struct Client::State {
  Credential credential;
  const Clock& clock;
  Limits limits;
  std::shared_ptr<grpc::Channel> channel;
  std::mutex mutex;
  grpc::ClientContext* watching = nullptr;  // while a Watch runs
  bool stopped = false;
};

namespace {

void SetDeadline(grpc::ClientContext& context, int64_t ms) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(ms));
}

// A unary call of the Admin service.
template <typename Request, typename Reply>
using AdminMethod = grpc::Status (v1::Admin::Stub::*)(grpc::ClientContext*, const Request&, Reply*);

template <typename Request, typename Reply>
absl::StatusOr<Reply> CallAdmin(const std::shared_ptr<grpc::Channel>& channel, int64_t call_ms,
                                AdminMethod<Request, Reply> method, const Request& request) {
  grpc::ClientContext context;
  SetDeadline(context, call_ms);
  Reply reply;
  const auto stub = v1::Admin::NewStub(channel);
  const grpc::Status status = ((*stub).*method)(&context, request, &reply);
  if (!status.ok()) return FromGrpc(status);
  return reply;
}

}  // namespace

Client::Client(Credential credential, const Clock& clock)
    : Client(std::move(credential), clock, Limits{}) {}

Client::Client(Credential credential, const Clock& clock, Limits limits)
    : state_(new State{std::move(credential), clock, limits, nullptr, {}, nullptr, false}) {}

Client::~Client() = default;

absl::Status Client::Diagnosed(const absl::Status& status) const {
  if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) return status;
  const Diagnosis found = DiagnoseConnection(state_->credential.collector, state_->credential,
                                             state_->clock.WallMs(), state_->limits.connect_ms);
  switch (found.fault) {
    case ConnectionFault::kNone:
      return status;
    case ConnectionFault::kUnreachable:
      return absl::UnavailableError(Concat("the collector cannot be reached: ", found.detail));
    case ConnectionFault::kServerNotTrusted:
      return absl::UnauthenticatedError(
          Concat("the collector is not to be trusted: ", found.detail));
    case ConnectionFault::kClientExpired:
    case ConnectionFault::kClientRefused:
      return absl::PermissionDeniedError(
          Concat("the collector does not take this credential: ", found.detail));
  }
  return status;
}

absl::Status Client::EnsureConnected() {
  if (state_->channel != nullptr) return absl::OkStatus();
  auto channel = FleetChannel("", state_->credential);
  const absl::Status connected =
      Connect(*channel, state_->credential.collector, state_->limits.connect_ms);
  if (!connected.ok()) return Diagnosed(connected);
  state_->channel = std::move(channel);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Table>> Client::Ask(const v1::QueryRequest& request,
                                               const ProgressFn& progress) {
  CANDOR_RETURN_IF_ERROR(EnsureConnected());
  grpc::ClientContext context;
  SetDeadline(context, state_->limits.call_ms);
  const auto stub = v1::Query::NewStub(state_->channel);
  const auto stream = stub->Run(&context, request);
  TableReader reader;
  absl::Status wrong;
  v1::QueryReply reply;
  bool whole = false;
  while (stream->Read(&reply)) {
    whole = whole || IsEndOfAnswer(reply);
    if (reply.has_progress() && progress && !whole) {
      progress(reply.progress().doing(), reply.progress().done(), reply.progress().total());
    }
    wrong = reader.Add(reply);
    if (!wrong.ok()) {
      context.TryCancel();
      break;
    }
  }
  const grpc::Status status = stream->Finish();
  CANDOR_RETURN_IF_ERROR(wrong);
  if (!status.ok()) return Diagnosed(FromGrpc(status));
  if (!whole) return absl::DataLossError("the collector's answer did not come whole");
  return std::move(reader.tables());
}

absl::Status Client::Watch(const v1::QueryRequest& request,
                           const std::function<void(const std::vector<Table>& tables)>& on_answer) {
  CANDOR_RETURN_IF_ERROR(EnsureConnected());
  grpc::ClientContext context;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopped) return absl::OkStatus();
    state_->watching = &context;
  }
  const auto stub = v1::Query::NewStub(state_->channel);
  const auto stream = stub->Run(&context, request);
  TableReader reader;
  absl::Status wrong;
  v1::QueryReply reply;
  while (wrong.ok() && stream->Read(&reply)) {
    if (IsEndOfAnswer(reply)) {
      on_answer(reader.tables());
      reader = TableReader();
      continue;
    }
    wrong = reader.Add(reply);
    if (!wrong.ok()) context.TryCancel();
  }
  const grpc::Status status = stream->Finish();
  const std::lock_guard lock(state_->mutex);
  state_->watching = nullptr;
  if (state_->stopped) return absl::OkStatus();
  if (!wrong.ok()) return wrong;
  if (status.ok()) return absl::UnavailableError("the collector ended the watch");
  return Diagnosed(FromGrpc(status));
}

void Client::Stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  if (state_->watching != nullptr) state_->watching->TryCancel();
}

absl::StatusOr<v1::CreateTokenReply> Client::CreateToken(const v1::CreateTokenRequest& request) {
  CANDOR_RETURN_IF_ERROR(EnsureConnected());
  return CallAdmin<v1::CreateTokenRequest, v1::CreateTokenReply>(
      state_->channel, state_->limits.call_ms, &v1::Admin::Stub::CreateToken, request);
}

absl::StatusOr<v1::ListTokensReply> Client::ListTokens() {
  CANDOR_RETURN_IF_ERROR(EnsureConnected());
  return CallAdmin<v1::ListTokensRequest, v1::ListTokensReply>(
      state_->channel, state_->limits.call_ms, &v1::Admin::Stub::ListTokens, {});
}

absl::Status Client::RevokeToken(const v1::RevokeTokenRequest& request) {
  CANDOR_RETURN_IF_ERROR(EnsureConnected());
  return CallAdmin<v1::RevokeTokenRequest, v1::RevokeTokenReply>(
             state_->channel, state_->limits.call_ms, &v1::Admin::Stub::RevokeToken, request)
      .status();
}

absl::StatusOr<v1::RevokeDeviceReply> Client::RevokeDevice(const v1::RevokeDeviceRequest& request) {
  CANDOR_RETURN_IF_ERROR(EnsureConnected());
  return CallAdmin<v1::RevokeDeviceRequest, v1::RevokeDeviceReply>(
      state_->channel, state_->limits.call_ms, &v1::Admin::Stub::RevokeDevice, request);
}

}  // namespace candor
