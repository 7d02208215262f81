#include "collector/server/local_http.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "tests/support/catch.h"

namespace candor {
namespace {

using boost::asio::ip::tcp;

HttpPage Echo(const std::string& path) {
  if (path == "/missing") return {404, "text/plain", "no such page\n"};
  return {200, "text/plain", "you asked " + path + "\n"};
}

// Sends raw bytes and reads until the server closes.
std::string Ask(const LocalHttp& server, const std::string& bytes) {
  const std::string address = server.address();
  const size_t colon = address.rfind(':');
  boost::asio::io_context io;
  tcp::socket socket(io);
  socket.connect(tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"),
                               static_cast<uint16_t>(std::stoul(address.substr(colon + 1)))));
  boost::system::error_code error;
  boost::asio::write(socket, boost::asio::buffer(bytes), error);
  std::string answer;
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
  return answer;
}

TEST_CASE("a page is served with its status, type and length") {
  auto server = LocalHttp::Start("127.0.0.1:0", Echo);
  REQUIRE_OK(server);
  const std::string answer = Ask(**server, "GET /healthz?x=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  REQUIRE(answer.find("Content-Length: 19\r\n") != std::string::npos);
  REQUIRE(answer.ends_with("\r\n\r\nyou asked /healthz\n"));
  REQUIRE(Ask(**server, "GET /missing HTTP/1.1\r\nHost: x\r\n\r\n")
              .starts_with("HTTP/1.1 404 Not Found\r\n"));
}

TEST_CASE("HEAD has no body, other methods are refused") {
  auto server = LocalHttp::Start("localhost:0", Echo);
  REQUIRE_OK(server);
  REQUIRE(Ask(**server, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("\r\n\r\n"));
  REQUIRE(Ask(**server, "POST / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405"));
  for (const size_t size : {size_t{1}, size_t{4'000}, size_t{1'000'000}}) {
    INFO(size);
    REQUIRE(Ask(**server, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) +
                              "\r\n\r\n" + std::string(std::min<size_t>(size, 4'000), 'x'))
                .starts_with("HTTP/1.1 405"));
  }
}

TEST_CASE("rubbish and endless headers close the connection and nothing else") {
  auto server = LocalHttp::Start("127.0.0.1:0", Echo);
  REQUIRE_OK(server);
  REQUIRE(Ask(**server, "\x16\x03\x01 no http\r\n\r\n").empty());
  REQUIRE(Ask(**server, "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n").empty());
  REQUIRE(Ask(**server, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_CASE("plain text is served on loopback only") {
  for (const char* address : {"0.0.0.0:0", "192.0.2.1:80", "[::]:0", "example.org:80", "127.0.0.1",
                              "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x"}) {
    INFO(address);
    REQUIRE(absl::IsInvalidArgument(LocalHttp::Start(address, Echo).status()));
  }
}

TEST_CASE("an address in use is named") {
  auto first = LocalHttp::Start("127.0.0.1:0", Echo);
  REQUIRE_OK(first);
  auto second = LocalHttp::Start((*first)->address(), Echo);
  REQUIRE(absl::IsUnavailable(second.status()));
  REQUIRE(second.status().message().find((*first)->address()) != std::string_view::npos);
}

}  // namespace
}  // namespace candor
