// The collector, as the command line sees it: one mTLS connection, blocking calls. The only file
// behind it that sees gRPC.
//
// Errors are one clear line: an unreachable collector, a server that is not to be trusted and a
// credential that it refuses are told apart. One thread, but for Stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "candor/v1/admin.pb.h"
#include "candor/v1/query.pb.h"
#include "collector/query/table.h"
#include "common/clock.h"
#include "common/tls/credential.h"

namespace candor {

class Client {
 public:
  struct Limits {
    int64_t connect_ms = 10'000;
    int64_t call_ms = 120'000;
  };
  using ProgressFn = std::function<void(std::string_view doing, uint64_t done, uint64_t total)>;

  // `clock` must outlive the client. Connects with the first call.
  Client(Credential credential, const Clock& clock);
  Client(Credential credential, const Clock& clock, Limits limits);
  ~Client();

  absl::StatusOr<std::vector<Table>> Ask(const v1::QueryRequest& request,
                                         const ProgressFn& progress);
  // Hands over every answer until Stop; then OK.
  absl::Status Watch(const v1::QueryRequest& request,
                     const std::function<void(const std::vector<Table>& tables)>& on_answer);
  // Ends a Watch. From any thread, at any time.
  void Stop();

  absl::StatusOr<v1::CreateTokenReply> CreateToken(const v1::CreateTokenRequest& request);
  absl::StatusOr<v1::ListTokensReply> ListTokens();
  absl::Status RevokeToken(const v1::RevokeTokenRequest& request);
  absl::StatusOr<v1::RevokeDeviceReply> RevokeDevice(const v1::RevokeDeviceRequest& request);

 private:
  struct State;
  absl::Status EnsureConnected();
  // Why a connection failed, in words.
  absl::Status Diagnosed(const absl::Status& status) const;
  std::unique_ptr<State> state_;
};

}  // namespace candor
