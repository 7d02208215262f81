#include "common/tls/connection.h"

#include "common/clock.h"
#include "common/random.h"
#include "common/time_units.h"
#include "common/tls/authority.h"
#include "tests/support/catch.h"
#include "tests/support/tls_server.h"
#include "tests/unit/tls/test_authority.h"

namespace candor {
namespace {

testing::TlsServer::Options Serving(testing::TestAuthority& fleet) {
  testing::TlsServer::Options options;
  options.certificate_pem = fleet.Server({"127.0.0.1"}).Pem() + fleet.ca.certificate().Pem();
  options.key_pem = fleet.key.Pem();
  return options;
}

TlsConnection::Options To(const testing::TlsServer& server) {
  TlsConnection::Options options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.alpn.clear();
  options.timeout_ms = 5'000;
  return options;
}

TEST_CASE("A connection shows the server's whole chain before anything is trusted", "[tls]") {
  testing::TestAuthority fleet;
  const testing::TlsServer server(Serving(fleet));
  auto connection = TlsConnection::Connect(To(server));
  REQUIRE_OK(connection);
  const std::vector<Certificate> chain = connection->chain();
  REQUIRE(chain.size() == 2);
  REQUIRE(chain[0].Hosts() == std::vector<std::string>{"127.0.0.1"});
  REQUIRE(chain[1].Fingerprint() == fleet.ca.certificate().Fingerprint());
  REQUIRE(connection->handshake_us() > 0);
  REQUIRE(connection->bytes_sent() > 100);
  REQUIRE(connection->bytes_received() > 1'000);
}

TEST_CASE("Bytes travel both ways until the other side ends", "[tls]") {
  testing::TestAuthority fleet;
  testing::TlsServer::Options options = Serving(fleet);
  options.answer = [](const std::string& request) { return "you said " + request; };
  const testing::TlsServer server(options);
  auto connection = TlsConnection::Connect(To(server));
  REQUIRE_OK(connection);
  REQUIRE_OK(connection->Send("hello"));
  const auto answer = connection->Receive(100);
  REQUIRE_OK(answer);
  REQUIRE(*answer == "you said hello");
  REQUIRE(absl::IsOutOfRange(connection->Receive(100).status()));
}

TEST_CASE("A server that asks for a certificate says why it does not like one", "[tls]") {
  testing::TestAuthority fleet;
  testing::TlsServer::Options server_options = Serving(fleet);
  server_options.client_ca_pem = fleet.ca.certificate().Pem();
  server_options.answer = [](const std::string&) { return "welcome"; };
  const testing::TlsServer server(server_options);
  TlsConnection::Options options = To(server);
  options.key_pem = fleet.key.Pem();
  const auto ask = [&]() -> absl::StatusOr<std::string> {
    auto connection = TlsConnection::Connect(options);
    if (!connection.ok()) return connection.status();
    const absl::Status sent = connection->Send("hello");
    if (!sent.ok()) return sent;
    return connection->Receive(100);
  };
  const int64_t now = SystemClock().WallMs();

  SECTION("a good one") {
    options.certificate_pem =
        fleet.ca.IssueClient(fleet.request, testing::kDevice, now, fleet.random)->Pem();
    const auto answer = ask();
    REQUIRE_OK(answer);
    REQUIRE(*answer == "welcome");
  }
  SECTION("an expired one") {
    const int64_t long_ago = now - 100 * kMsPerDay;
    options.certificate_pem =
        fleet.ca.IssueClient(fleet.request, testing::kDevice, long_ago, fleet.random)->Pem();
    REQUIRE(absl::IsFailedPrecondition(ask().status()));
  }
  SECTION("another fleet's") {
    const auto other = CertificateAuthority::Create("Other", now, fleet.random);
    options.certificate_pem =
        other->IssueClient(fleet.request, testing::kDevice, now, fleet.random)->Pem();
    REQUIRE(absl::IsPermissionDenied(ask().status()));
  }
  SECTION("none") {
    options.key_pem.clear();
    REQUIRE(absl::IsPermissionDenied(ask().status()));
  }
}

TEST_CASE("A server that never answers costs no more than the time-out", "[tls]") {
  testing::TestAuthority fleet;
  testing::TlsServer::Options options = Serving(fleet);
  options.handshake = false;
  const testing::TlsServer server(options);
  TlsConnection::Options to = To(server);
  to.timeout_ms = 50;
  REQUIRE(absl::IsDeadlineExceeded(TlsConnection::Connect(to).status()));
}

TEST_CASE("A closed port and an unknown name are unreachable, by name", "[tls]") {
  TlsConnection::Options options;
  options.timeout_ms = 5'000;
  {
    testing::TestAuthority fleet;
    const testing::TlsServer gone(Serving(fleet));
    options.host = "127.0.0.1";
    options.port = gone.port();
  }
  const absl::Status refused = TlsConnection::Connect(options).status();
  REQUIRE(absl::IsUnavailable(refused));
  REQUIRE(refused.ToString().find("127.0.0.1:") != std::string::npos);
  REQUIRE(refused.ToString().find("refused") != std::string::npos);
  options.host = "no-such-host.invalid";
  REQUIRE(absl::IsUnavailable(TlsConnection::Connect(options).status()));
}

TEST_CASE("An address is a host and a port", "[tls]") {
  REQUIRE(ParseHostPort("collector.example:7443")->host == "collector.example");
  REQUIRE(ParseHostPort("collector.example:7443")->port == 7443);
  REQUIRE(ParseHostPort("[::1]:80")->host == "::1");
  REQUIRE(ParseHostPort("[::1]:80")->Text() == "[::1]:80");
  REQUIRE(ParseHostPort("127.0.0.1:1")->Text() == "127.0.0.1:1");
  for (const char* wrong : {"", "host", "host:", ":80", "host:0", "host:65536", "host:1x", "::1:80",
                            "a b:80", "host:-1", "[]:80", "https://host:80"}) {
    INFO(wrong);
    REQUIRE(absl::IsInvalidArgument(ParseHostPort(wrong).status()));
  }
}

}  // namespace
}  // namespace candor
