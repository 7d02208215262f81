#include "agent/uplink/service_probe.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>
#include <utility>

#include "common/random.h"
#include "common/tls/authority.h"
#include "tests/support/catch.h"
#include "tests/support/tls_server.h"

namespace candor {
namespace {

testing::TlsServer::Options ServerOptions() {
  SeededRandom random(9);
  const int64_t now = 1'790'000'000'000;
  const auto ca = CertificateAuthority::Create("Somebody", now, random);
  const PrivateKey key = *PrivateKey::Generate();
  const auto request = CertificateRequest::FromDer(*MakeCertificateRequest(key));
  testing::TlsServer::Options options;
  options.certificate_pem = ca->IssueServer(*request, {"service"}, now, random)->Pem();
  options.key_pem = key.Pem();
  return options;
}

v1::Configuration::Service ServiceAt(uint16_t port, const std::string& path) {
  v1::Configuration::Service service;
  service.set_name("mail");
  service.set_host("127.0.0.1");
  service.set_port(port);
  service.set_tls(true);
  service.set_http_path(path);
  return service;
}

TEST_CASE("A service is measured to the first byte, trusted or not", "[uplink]") {
  testing::TlsServer::Options options = ServerOptions();
  std::string asked;
  options.answer = [&](const std::string& request) {
    asked = request;
    return "HTTP/1.1 200 OK\r\n\r\n";
  };
  ProbeCost cost;
  v1::ServiceProbe probe;
  {
    const testing::TlsServer server(options);
    probe = ProbeService(ServiceAt(server.port(), "/health"), 5'000, cost);
  }
  INFO(probe.failure());
  REQUIRE(probe.failure().empty());
  REQUIRE(probe.service() == "mail");
  REQUIRE(probe.tls_us() > 0);
  REQUIRE(probe.first_byte_us() > 0);
  REQUIRE(asked.starts_with("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"));
  REQUIRE(cost.bytes_sent > 200);
  REQUIRE(cost.bytes_received > 500);
}

// Answers one connection in the clear.
class PlainServer {
 public:
  explicit PlainServer(std::string answer) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, plain, size) != 0 || listen(listener_, 1) != 0) std::abort();
    getsockname(listener_, plain, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int fd = accept(listener_, nullptr, nullptr);
      char bytes[4'096];
      const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
      if (got > 0) asked_.assign(bytes, static_cast<size_t>(got));
      static_cast<void>(send(fd, answer.data(), answer.size(), MSG_NOSIGNAL));
      close(fd);
    });
  }
  ~PlainServer() {
    shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(listener_);
  }
  uint16_t port() const { return port_; }
  // After the one connection has ended.
  std::string asked() {
    thread_.join();
    return asked_;
  }

 private:
  int listener_;
  uint16_t port_ = 0;
  std::string asked_;
  std::thread thread_;
};

TEST_CASE("A service configured without TLS is measured to the first byte, in the clear",
          "[uplink]") {
  v1::Configuration::Service service = ServiceAt(0, "/health");
  service.set_tls(false);
  ProbeCost cost;
  SECTION("it answers") {
    PlainServer server("HTTP/1.1 200 OK\r\n\r\n");
    service.set_port(server.port());
    const v1::ServiceProbe probe = ProbeService(service, 5'000, cost);
    INFO(probe.failure());
    REQUIRE(probe.failure().empty());
    REQUIRE(probe.first_byte_us() > 0);
    REQUIRE_FALSE(probe.has_tls_us());
    REQUIRE(server.asked().starts_with("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"));
    REQUIRE(cost.bytes_sent > 50);
    REQUIRE(cost.bytes_received >= 1);
  }
  SECTION("it closes without a word") {
    PlainServer server("");
    service.set_port(server.port());
    const v1::ServiceProbe probe = ProbeService(service, 5'000, cost);
    REQUIRE_FALSE(probe.has_first_byte_us());
    REQUIRE(probe.failure().find("closed") != std::string::npos);
  }
  SECTION("nobody is there") {
    uint16_t port = 0;
    {
      const PlainServer gone("");
      port = gone.port();
    }
    service.set_port(port);
    const v1::ServiceProbe probe = ProbeService(service, 5'000, cost);
    REQUIRE_FALSE(probe.has_first_byte_us());
    REQUIRE(probe.failure().find("refused") != std::string::npos);
  }
}

TEST_CASE("Without a path only the handshake is measured", "[uplink]") {
  const testing::TlsServer server(ServerOptions());
  ProbeCost cost;
  const v1::ServiceProbe probe = ProbeService(ServiceAt(server.port(), ""), 5'000, cost);
  REQUIRE(probe.has_tls_us());
  REQUIRE_FALSE(probe.has_first_byte_us());
  REQUIRE(probe.failure().empty());
}

TEST_CASE("What could not be measured is absent, with the reason", "[uplink]") {
  ProbeCost cost;
  SECTION("no answer to the request") {
    const testing::TlsServer server(ServerOptions());
    const v1::ServiceProbe probe = ProbeService(ServiceAt(server.port(), "/"), 5'000, cost);
    REQUIRE(probe.has_tls_us());
    REQUIRE_FALSE(probe.has_first_byte_us());
    REQUIRE_FALSE(probe.failure().empty());
  }
  SECTION("no handshake") {
    testing::TlsServer::Options options = ServerOptions();
    options.handshake = false;
    const testing::TlsServer server(options);
    const v1::ServiceProbe probe = ProbeService(ServiceAt(server.port(), "/"), 50, cost);
    REQUIRE_FALSE(probe.has_tls_us());
    REQUIRE(probe.failure().find("in time") != std::string::npos);
  }
  SECTION("nobody there") {
    uint16_t port = 0;
    { port = testing::TlsServer(ServerOptions()).port(); }
    const v1::ServiceProbe probe = ProbeService(ServiceAt(port, "/"), 5'000, cost);
    REQUIRE_FALSE(probe.has_tls_us());
    REQUIRE(probe.failure().find("refused") != std::string::npos);
  }
  SECTION("a path that would say more than a path") {
    const testing::TlsServer server(ServerOptions());
    const v1::ServiceProbe probe =
        ProbeService(ServiceAt(server.port(), "/ HTTP/1.1\r\nX: y"), 5'000, cost);
    REQUIRE_FALSE(probe.has_first_byte_us());
    REQUIRE_FALSE(probe.failure().empty());
  }
  SECTION("a service that wants TLS is never asked in the clear") {
    PlainServer server("HTTP/1.1 200 OK\r\n\r\n");
    const v1::ServiceProbe probe = ProbeService(ServiceAt(server.port(), "/"), 5'000, cost);
    REQUIRE_FALSE(probe.has_first_byte_us());
    REQUIRE_FALSE(probe.failure().empty());
    REQUIRE(server.asked().find("GET") == std::string::npos);
  }
}

}  // namespace
}  // namespace candor
