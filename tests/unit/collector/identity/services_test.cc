// Both services behind real TLS on loopback.
#include "collector/identity/services.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "candor/v1/admin.grpc.pb.h"
#include "candor/v1/enrollment.grpc.pb.h"
#include "collector/identity/grpc_credentials.h"
#include "common/clock.h"
#include "common/rpc/channel.h"
#include "common/status.h"
#include "common/tls/connection.h"
#include "test_fleet.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::TestFleet;

// TLS itself looks at the machine's clock, so these fleets live now.
class Listener {
 public:
  explicit Listener(const EnrollmentLimits& limits = {})
      : fleet(SystemClock().WallMs()),
        enrollment_(MakeEnrollmentService(fleet.Parts(), fleet_port, limits)),
        admin_(MakeAdminService(fleet.AdministrationParts())) {
    fleet_server_ = Serve(FleetServerCredentials(*fleet.fleet), *admin_, fleet_address);
    enrollment_server_ =
        Serve(EnrollmentServerCredentials(*fleet.fleet), *enrollment_, enrollment_address);
  }
  ~Listener() {
    fleet_server_->Shutdown();
    enrollment_server_->Shutdown();
  }

  Credential CredentialOf(const Identity& identity) {
    return CredentialBy(fleet.fleet->authority, identity, kDeviceCertificateMs);
  }
  Credential CredentialBy(const CertificateAuthority& authority, const Identity& identity,
                          int64_t life_ms) {
    const PrivateKey key = *PrivateKey::Generate();
    const auto csr = CertificateRequest::FromDer(*MakeCertificateRequest(key));
    const auto certificate =
        authority.IssueClientFor(*csr, identity, fleet.clock.WallMs(), life_ms, fleet.random);
    return {fleet_address, fleet.fleet->ca_pem, certificate->Pem(), key.Pem()};
  }
  absl::Status ListTokensAs(const Credential& credential) {
    const auto stub = v1::Admin::NewStub(FleetChannel("", credential));
    grpc::ClientContext context;
    v1::ListTokensReply reply;
    return FromGrpc(stub->ListTokens(&context, {}, &reply));
  }
  absl::StatusOr<v1::EnrollReply> Enroll(const v1::EnrollRequest& request) {
    const auto stub =
        v1::Enrollment::NewStub(EnrollmentChannel(enrollment_address, fleet.fleet->ca_pem));
    grpc::ClientContext context;
    v1::EnrollReply reply;
    const grpc::Status status = stub->Enroll(&context, request, &reply);
    if (!status.ok()) return FromGrpc(status);
    return reply;
  }

  TestFleet fleet;
  std::atomic<uint32_t> fleet_port = 0;
  std::string fleet_address;
  std::string enrollment_address;

 private:
  static std::unique_ptr<grpc::Server> Serve(
      const std::shared_ptr<grpc::ServerCredentials>& credentials, grpc::Service& service,
      std::string& address) {
    grpc::ServerBuilder builder;
    ConfigureServer(builder, kMessageBytesMax);
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port);
    builder.RegisterService(&service);
    auto server = builder.BuildAndStart();
    address = "127.0.0.1:" + std::to_string(port);
    return server;
  }
  std::unique_ptr<grpc::Service> enrollment_;
  std::unique_ptr<grpc::Service> admin_;
  std::unique_ptr<grpc::Server> fleet_server_;
  std::unique_ptr<grpc::Server> enrollment_server_;
};

TEST_CASE("A laptop enrols over TLS and is told where the fleet is", "[services]") {
  Listener listener;
  listener.fleet_port = 7443;
  const auto reply = listener.Enroll(Laptop(listener.fleet.Token()).request);
  REQUIRE_OK(reply);
  REQUIRE(reply->fleet_port() == 7443);
  REQUIRE(MessageOf(listener.Enroll(Laptop("cnd_guess").request).status()) ==
          "enrolment refused: most likely the token is unknown, withdrawn, expired or used up; the "
          "collector's log tells");
}

TEST_CASE("The enrolment listener shows the fleet's authority in its chain", "[services]") {
  Listener listener;
  const HostPort where = *ParseHostPort(listener.enrollment_address);
  TlsConnection::Options options;
  options.host = where.host;
  options.port = where.port;
  const auto connection = TlsConnection::Connect(options);
  REQUIRE_OK(connection);
  REQUIRE(connection->chain().back().Fingerprint() ==
          listener.fleet.fleet->authority.certificate().Fingerprint());
}

TEST_CASE("An administrator's certificate opens the admin service", "[services]") {
  Listener listener;
  REQUIRE_OK(listener.ListTokensAs(listener.CredentialOf({Role::kItAdmin, "alice"})));
  const auto admin = LoadCredential(listener.fleet.folder.path() + "/data/admin.toml");
  Credential credential = *admin;
  credential.collector = listener.fleet_address;
  REQUIRE_OK(listener.ListTokensAs(credential));
}

TEST_CASE("Other roles of the fleet are refused as such", "[services]") {
  Listener listener;
  const Identity identity =
      GENERATE(Identity{Role::kItRead, "bob"}, Identity{Role::kHr, "carol"},
               Identity{Role::kAgent, "0f8fad5b-d9cb-469f-a165-70867728950e"});
  const absl::Status status = listener.ListTokensAs(listener.CredentialOf(identity));
  REQUIRE(absl::IsPermissionDenied(status));
  REQUIRE(status.ToString().find("wrong role: ") != std::string::npos);
}

TEST_CASE("Without a certificate of this fleet there is no connection at all", "[services]") {
  Listener listener;
  const Identity alice = {Role::kItAdmin, "alice"};
  Credential credential;
  SECTION("another fleet's") {
    const auto other = CertificateAuthority::Create(
        "Candor fleet authority", listener.fleet.clock.WallMs(), listener.fleet.random);
    credential = listener.CredentialBy(*other, alice, kDeviceCertificateMs);
  }
  SECTION("an expired one") {
    credential = listener.CredentialBy(listener.fleet.fleet->authority, alice, -3'600'000);
  }
  REQUIRE(absl::IsUnavailable(listener.ListTokensAs(credential)));
  const Diagnosis why =
      DiagnoseConnection(listener.fleet_address, credential, listener.fleet.clock.WallMs(), 5'000);
  INFO(why.detail);
  REQUIRE((why.fault == ConnectionFault::kClientRefused ||
           why.fault == ConnectionFault::kClientExpired));
}

TEST_CASE("A server of another fleet is named as such", "[services]") {
  Listener listener;
  TestFleet other(listener.fleet.clock.WallMs());
  Credential credential = listener.CredentialOf({Role::kItAdmin, "alice"});
  credential.ca_pem = other.fleet->ca_pem;
  REQUIRE(absl::IsUnavailable(listener.ListTokensAs(credential)));
  const Diagnosis why =
      DiagnoseConnection(listener.fleet_address, credential, listener.fleet.clock.WallMs(), 5'000);
  REQUIRE(why.fault == ConnectionFault::kServerNotTrusted);
  REQUIRE(why.detail.find("not issued by the fleet's authority") != std::string::npos);
}

TEST_CASE("A connection in order is diagnosed as such", "[services]") {
  Listener listener;
  const Diagnosis diagnosis =
      DiagnoseConnection(listener.fleet_address, listener.CredentialOf({Role::kItAdmin, "alice"}),
                         listener.fleet.clock.WallMs(), 5'000);
  INFO(diagnosis.detail);
  REQUIRE(diagnosis.fault == ConnectionFault::kNone);
}

TEST_CASE("What a push receives for its handshake is small", "[services]") {
  Listener listener;
  const Credential credential = listener.CredentialOf({Role::kItAdmin, "alice"});
  const HostPort where = *ParseHostPort(listener.fleet_address);
  TlsConnection::Options options;
  options.host = where.host;
  options.port = where.port;
  options.certificate_pem = credential.certificate_pem;
  options.key_pem = credential.key_pem;
  auto connection = TlsConnection::Connect(options);
  REQUIRE_OK(connection);
  REQUIRE_OK(connection->Receive(4096));
  // No tickets: with them it would be more than three thousand.
  REQUIRE(connection->bytes_received() < 2'000);
}

TEST_CASE("Guessing is slowed down", "[services]") {
  EnrollmentLimits limits;
  limits.refusals.each = {0.001, 3};
  Listener listener(limits);
  const std::string token = listener.fleet.Token();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(absl::IsPermissionDenied(listener.Enroll(Laptop("cnd_guess").request).status()));
  }
  // Not even the right one is heard now.
  REQUIRE(absl::IsResourceExhausted(listener.Enroll(Laptop(token).request).status()));
  listener.fleet.clock.Advance(1'000'000);
  REQUIRE_OK(listener.Enroll(Laptop(token).request));
}

}  // namespace
}  // namespace candor
