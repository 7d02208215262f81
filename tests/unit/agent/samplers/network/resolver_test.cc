#include "agent/samplers/network/resolver.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tests/support/catch.h"
#include "tests/support/dns_server.h"

namespace candor {
namespace {

namespace asio = boost::asio;

DnsAnswer Ask(const std::string& servers, const std::string& host, int64_t limit_ms = 5'000) {
  asio::io_context io;
  DnsAnswer result;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        const DnsServers asked{{}, servers};
        result = co_await AskDns(io, asked, host, limit_ms);
      },
      asio::detached);
  io.run();
  return result;
}

TEST_CASE("a name's addresses come straight from the resolver, timed") {
  testing::DnsServer server;
  server.Set("mail.example.org", {"192.0.2.10", "192.0.2.11", "fd00::10"});
  server.SetDelayMs(20);
  const DnsAnswer answer = Ask(server.address(), "mail.example.org");
  INFO(answer.failure);
  CHECK(answer.addresses.size() == 3);
  // A and AAAA are asked together.
  CHECK(answer.elapsed_us >= 20'000);
  CHECK(answer.elapsed_us < 1'000'000);
}

TEST_CASE("nothing is answered from a cache") {
  testing::DnsServer server;
  server.Set("mail.example.org", {"192.0.2.10"});
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(Ask(server.address(), "mail.example.org").addresses.size() == 1);
    CHECK(server.questions() == 2 * i);
  }
}

TEST_CASE("a lost question is asked again and shows in the time") {
  testing::DnsServer server;
  server.Set("mail.example.org", {"192.0.2.10"});
  server.Drop(1);
  const DnsAnswer answer = Ask(server.address(), "mail.example.org");
  REQUIRE(answer.addresses.size() == 1);
  CHECK(answer.elapsed_us >= 2'000'000);
}

TEST_CASE("a name that does not exist is a failure in words") {
  testing::DnsServer server;
  const DnsAnswer answer = Ask(server.address(), "nowhere.example.org");
  CHECK(answer.addresses.empty());
  CHECK(answer.failure == "Domain name not found");
}

TEST_CASE("a resolver that never answers costs the limit and no more") {
  testing::DnsServer server;
  server.Drop(100);
  const DnsAnswer answer = Ask(server.address(), "mail.example.org", 300);
  CHECK(answer.addresses.empty());
  CHECK(answer.failure == "no answer in 300 ms");
  CHECK(answer.elapsed_us >= 300'000);
  CHECK(answer.elapsed_us < 1'500'000);
}

TEST_CASE("a resolver that is not there is a failure") {
  uint16_t port = 0;
  {
    testing::DnsServer gone;
    port = static_cast<uint16_t>(std::stoi(gone.address().substr(10)));
  }
  const DnsAnswer answer = Ask("127.0.0.1:" + std::to_string(port), "mail.example.org");
  CHECK(answer.addresses.empty());
  CHECK_FALSE(answer.failure.empty());
}

TEST_CASE("at most so many addresses are kept") {
  testing::DnsServer server;
  std::vector<std::string> many;
  for (int i = 1; i <= 20; ++i) many.push_back("192.0.2." + std::to_string(i));
  server.Set("many.example.org", many);
  CHECK(Ask(server.address(), "many.example.org").addresses.size() == kAddressesMax);
}

TEST_CASE("a question dropped half way leaves nothing behind") {
  testing::DnsServer server;
  server.Drop(100);
  asio::io_context io;
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        const DnsServers asked{{}, server.address()};
        const std::string host = "mail.example.org";
        co_await AskDns(io, asked, host, 5'000);
      },
      asio::detached);
  while (server.questions() == 0) io.poll();
  // The loop goes with the question still open.
}

}  // namespace
}  // namespace candor
