// What an administrator does to tokens and devices, each act with its audit row in one transaction.
// Knows nothing of gRPC; who may do it was settled by the caller (roles.h).
//
// Calls return at once; `done` runs exactly once, on the committer's thread after the commit or on
// the caller's for a mistake in the request, and must not block. Errors are for the administrator:
// InvalidArgument, NotFound, FailedPrecondition (a host name that fits several devices lists them).
// Thread-safe if its Random is.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "candor/v1/admin.pb.h"
#include "collector/identity/device_directory.h"
#include "collector/store/writer.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/tls/identity.h"

namespace candor {

class Administration {
 public:
  template <typename Reply>
  using Done = std::function<void(absl::StatusOr<Reply> reply)>;

  struct Parts {
    Writer& writer;
    DeviceDirectory& directory;
    const Clock& clock;
    Random& random;
  };
  // What the parts refer to must outlive the object and every pending call.
  explicit Administration(const Parts& parts) : parts_(parts) {}

  void CreateToken(const Identity& actor, const v1::CreateTokenRequest& request,
                   Done<v1::CreateTokenReply> done);
  void ListTokens(const Identity& actor, Done<v1::ListTokensReply> done);
  void RevokeToken(const Identity& actor, const v1::RevokeTokenRequest& request,
                   Done<v1::RevokeTokenReply> done);
  // By device id or host name. A device already revoked stays so; the act is audited again.
  void RevokeDevice(const Identity& actor, const v1::RevokeDeviceRequest& request,
                    Done<v1::RevokeDeviceReply> done);

 private:
  Parts parts_;
};

}  // namespace candor
