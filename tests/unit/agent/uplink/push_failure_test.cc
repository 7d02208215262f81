// A push that does not, and says precisely why.
#include <sys/stat.h>

#include "agent/uplink/enrollment_client.h"
#include "common/time_units.h"
#include "common/tls/authority.h"
#include "common/tls/connection.h"
#include "tests/support/tls_server.h"
#include "tests/unit/agent/uplink/uplink_fixture.h"

namespace candor {
namespace {

using testing::IngestCall;
using testing::SealedBatches;
using testing::ShiftedClock;
using testing::StartOf;
using testing::TestCollector;
using testing::TestPush;

v1::PushDone PushNothing(const std::string& state, const Clock& clock) {
  TestPush push(state, clock, StartOf(1, 0));
  push.End();
  const v1::PushDone done = push.Done();
  REQUIRE_OK(push.Join());
  return done;
}

bool Says(const v1::PushDone& done, std::string_view text) {
  INFO(done.detail());
  return done.detail().find(text) != std::string::npos;
}

TEST_CASE("Without an identity the laptop is not enrolled", "[uplink]") {
  const testing::TempFolder state;
  const SystemClock clock;
  const v1::PushDone done = PushNothing(state.path(), clock);
  REQUIRE(done.outcome() == v1::PushDone::NOT_ENROLLED);
  REQUIRE(Says(done, "candor-agent enroll"));
}

TEST_CASE("An identity that others may read is not used", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  REQUIRE(chmod(IdentityFiles(state.path()).path().c_str(), 0644) == 0);
  const SystemClock clock;
  const v1::PushDone done = PushNothing(state.path(), clock);
  REQUIRE(done.outcome() == v1::PushDone::FAILED);
  REQUIRE(Says(done, "identity.toml"));
}

TEST_CASE("A collector that is not there is unreachable, by address", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  const DeviceIdentity identity = collector.EnrollInto(state.path());
  collector.Kill();
  const SystemClock clock;
  const v1::PushDone done = PushNothing(state.path(), clock);
  REQUIRE(done.outcome() == v1::PushDone::UNREACHABLE);
  REQUIRE(Says(done, identity.credential.collector));
  REQUIRE(Says(done, "refused"));
}

TEST_CASE("A revoked device hears that it is", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  const DeviceIdentity identity = collector.EnrollInto(state.path());
  collector.fleet.directory->Revoke(identity.device_id);
  const SystemClock clock;
  REQUIRE(PushNothing(state.path(), clock).outcome() == v1::PushDone::REVOKED);
}

TEST_CASE("A device that is revoked in the middle of its push hears it at once", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  collector.SetScript([](IngestCall& call) {
    v1::AgentMessage message;
    call.Read(message);
    call.Welcome(1);
    call.Read(message);
    call.Ack(1);
    call.Read(message);
    return absl::PermissionDeniedError("revoked: an administrator has revoked this device");
  });
  const SystemClock clock;
  const std::vector<std::string> batches = SealedBatches(3);
  TestPush push(state.path(), clock, StartOf(1, 3));
  push.Batch(batches[0]);
  push.Batch(batches[1]);
  // The daemon says no more: the end of the stream has to wake the uplink.
  REQUIRE(push.Done().outcome() == v1::PushDone::REVOKED);
  REQUIRE(push.seen[1].ack().through() == 1);
}

TEST_CASE("A device the collector does not know is not enrolled", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  DeviceIdentity identity = collector.EnrollInto(state.path());
  const auto key = PrivateKey::FromPem(identity.credential.key_pem);
  const auto csr = CertificateRequest::FromDer(*MakeCertificateRequest(*key));
  SystemRandom random;
  const Identity other = GENERATE(Identity{Role::kAgent, "0f8fad5b-d9cb-469f-a165-70867728950e"},
                                  Identity{Role::kItAdmin, "alice"});
  identity.credential.certificate_pem =
      collector.fleet.fleet->authority
          .IssueClient(*csr, other, collector.fleet.clock.WallMs(), random)
          ->Pem();
  REQUIRE_OK(IdentityFiles(state.path()).Save(identity));
  const SystemClock clock;
  const v1::PushDone done = PushNothing(state.path(), clock);
  REQUIRE(done.outcome() ==
          (other.role == Role::kAgent ? v1::PushDone::NOT_ENROLLED : v1::PushDone::WRONG_ROLE));
}

TEST_CASE("A server of another authority is not trusted, and nothing is sent", "[uplink]") {
  TestCollector collector;
  TestCollector impostor;
  const testing::TempFolder state;
  DeviceIdentity identity = collector.EnrollInto(state.path());
  identity.credential.collector = impostor.fleet_address();
  REQUIRE_OK(IdentityFiles(state.path()).Save(identity));
  const SystemClock clock;
  const v1::PushDone done = PushNothing(state.path(), clock);
  REQUIRE(done.outcome() == v1::PushDone::UNTRUSTED_SERVER);
  REQUIRE(Says(done, "not issued by the fleet's authority"));
  REQUIRE(impostor.hello().epoch() == 0);
}

TEST_CASE("A laptop of the fleet cannot play the collector", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  DeviceIdentity identity = collector.EnrollInto(state.path());
  testing::TlsServer::Options options;
  options.certificate_pem = identity.credential.certificate_pem;
  options.key_pem = identity.credential.key_pem;
  const testing::TlsServer server(options);
  identity.credential.collector = "127.0.0.1:" + std::to_string(server.port());
  REQUIRE_OK(IdentityFiles(state.path()).Save(identity));
  const SystemClock clock;
  const v1::PushDone done = PushNothing(state.path(), clock);
  REQUIRE(done.outcome() == v1::PushDone::UNTRUSTED_SERVER);
  REQUIRE(Says(done, "purpose"));
}

TEST_CASE("A server under another name is not trusted", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  DeviceIdentity identity = collector.EnrollInto(state.path());
  identity.credential.collector = collector.misnamed_fleet_address();
  REQUIRE_OK(IdentityFiles(state.path()).Save(identity));
  const SystemClock clock;
  const v1::PushDone done = PushNothing(state.path(), clock);
  REQUIRE(done.outcome() == v1::PushDone::UNTRUSTED_SERVER);
  REQUIRE(Says(done, "not for 127.0.0.2"));
}

TEST_CASE("A clock that is years ahead is not cured by renewing", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  const DeviceIdentity identity = collector.EnrollInto(state.path());
  const ShiftedClock ahead(60 * kMsPerDay);
  const v1::PushDone done = PushNothing(state.path(), ahead);
  REQUIRE(done.outcome() == v1::PushDone::CERTIFICATE_EXPIRED);
  REQUIRE(Says(done, "this laptop's certificate expired"));
  REQUIRE(Says(done, "check the clock"));
  REQUIRE(IdentityFiles(state.path()).Load()->credential.key_pem == identity.credential.key_pem);
}

TEST_CASE("A clock that is far behind makes a certificate of the future", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const ShiftedClock behind(-60 * kMsPerDay);
  const v1::PushDone done = PushNothing(state.path(), behind);
  REQUIRE(done.outcome() == v1::PushDone::CERTIFICATE_NOT_YET_VALID);
  REQUIRE(Says(done, "is not valid before"));
}

TEST_CASE("A clock ten hours off either way does not stop a push", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const ShiftedClock clock(GENERATE(-10, 10) * int64_t{3'600'000});
  REQUIRE(PushNothing(state.path(), clock).outcome() == v1::PushDone::OK);
}

TEST_CASE("An expired certificate that cannot be renewed says both", "[uplink]") {
  const int64_t age_ms = 45 * kMsPerDay;
  TestCollector collector(age_ms);
  const testing::TempFolder state;
  DeviceIdentity identity = collector.EnrollInto(state.path());
  collector.fleet.clock.Advance(age_ms);
  SECTION("nobody there") {
    identity.enrollment = "127.0.0.1:1";
    REQUIRE_OK(IdentityFiles(state.path()).Save(identity));
    const SystemClock clock;
    const v1::PushDone done = PushNothing(state.path(), clock);
    REQUIRE(done.outcome() == v1::PushDone::CERTIFICATE_EXPIRED);
    REQUIRE(Says(done, "renewing it failed"));
    REQUIRE(Says(done, "127.0.0.1:1"));
  }
  SECTION("revoked meanwhile") {
    collector.fleet.directory->Revoke(identity.device_id);
    const SystemClock clock;
    REQUIRE(PushNothing(state.path(), clock).outcome() == v1::PushDone::REVOKED);
  }
}

TEST_CASE("A collector that dies in the middle leaves what it acknowledged", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  TestPush push(state.path(), clock, StartOf(1, 2));
  push.Batch(SealedBatches(2).front());
  REQUIRE(push.Next().has_welcome());
  REQUIRE(push.Next().ack().through() == 1);
  collector.Kill();
  const v1::PushDone done = push.Done();
  REQUIRE(done.outcome() == v1::PushDone::UNREACHABLE);
  REQUIRE_FALSE(done.detail().empty());
}

TEST_CASE("A collector that says nothing costs no more than the deadline", "[uplink]") {
  TestCollector collector;
  collector.SetScript([](IngestCall& call) {
    while (!call.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return absl::OkStatus();
  });
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  const int64_t before_ms = clock.MonotonicMs();
  TestPush push(state.path(), clock, StartOf(1, 1, 1'000));
  push.Batch(SealedBatches(1).front());
  const v1::PushDone done = push.Done();
  REQUIRE(done.outcome() == v1::PushDone::UNREACHABLE);
  REQUIRE(clock.MonotonicMs() - before_ms < 8'000);
}

TEST_CASE("A daemon that falls silent costs no more than the deadline", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  TestPush push(state.path(), clock, StartOf(1, 1, 1'000));
  REQUIRE(push.Done().outcome() == v1::PushDone::UNREACHABLE);
}

TEST_CASE("A daemon that vanishes ends the push", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  TestPush push(state.path(), clock, StartOf(1, 1));
  REQUIRE(push.Next().has_welcome());
  push.Vanish();
  REQUIRE(absl::IsCancelled(push.Join()));
}

TEST_CASE("Services are measured although the collector is gone", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  collector.Kill();
  testing::TlsServer::Options options;
  options.certificate_pem = collector.fleet.fleet->server_chain_pem;
  options.key_pem = collector.fleet.fleet->server_key_pem;
  const testing::TlsServer server(options);
  v1::PushStart start = StartOf(1, 0);
  v1::Configuration::Service* service = start.add_probe();
  service->set_name("mail");
  service->set_host("127.0.0.1");
  service->set_port(server.port());
  service->set_tls(true);
  const SystemClock clock;
  TestPush push(state.path(), clock, start);
  REQUIRE(push.Done().outcome() == v1::PushDone::UNREACHABLE);
  REQUIRE(push.seen.front().probe().has_tls_us());
}

}  // namespace
}  // namespace candor
