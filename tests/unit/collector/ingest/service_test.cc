// A push over real TLS: what is stored, acknowledged, refused and told.

#include "tests/support/catch.h"
#include "tests/unit/collector/ingest/ingest_collector.h"

namespace candor {
namespace {

using testing::Collector;
using testing::Laptop;
using testing::Push;

TEST_CASE("a push is welcomed, stored, acknowledged and ends well") {
  Collector collector;
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 300; ++i) sealed.push_back(laptop.Seal(i));
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  const v1::Welcome welcome = push.ReadWelcome();
  REQUIRE(welcome.next_seq() == 1);
  REQUIRE(welcome.wall_ms() == collector.clock.WallMs());
  REQUIRE(welcome.reconnect_window_s() == 1);
  for (const std::string& bytes : sealed) push.Send(bytes);
  push.End();
  REQUIRE(push.ReadAcks(300).empty());
  REQUIRE(collector.Rows("log") == 300);
  REQUIRE(push.Finish().ok());
  REQUIRE(collector.stats.batches == 300);
}

TEST_CASE("an acknowledgement is never ahead of the disk") {
  Collector collector;
  Laptop laptop;
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  push.ReadWelcome();
  for (uint64_t i = 1; i <= 20; ++i) {
    push.Send(laptop.Seal(static_cast<int64_t>(i)));
    push.ReadAcks(i);
    REQUIRE(collector.Rows("log") == static_cast<int64_t>(i));
  }
}

TEST_CASE("everything again, also after a restart, changes nothing and is acknowledged") {
  Collector collector;
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 50; ++i) sealed.push_back(laptop.Seal(i));
  Push(collector.Channel()).All(laptop, sealed);
  const bool restarted = GENERATE(false, true);
  if (restarted) collector.Restart();
  Push(collector.Channel()).All(laptop, sealed);
  REQUIRE(collector.Rows("log") == 50);
  REQUIRE(collector.stats.duplicates == 50);
}

TEST_CASE("a collector that restarts in the middle is told the rest") {
  Collector collector;
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 40; ++i) sealed.push_back(laptop.Seal(i));
  {
    Push push(collector.Channel());
    push.SendHello(push.HelloOf(laptop));
    push.ReadWelcome();
    for (int i = 0; i < 10; ++i) push.Send(sealed[static_cast<size_t>(i)]);
    push.ReadAcks(10);
    collector.Restart();
  }
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop, 11));
  REQUIRE(push.ReadWelcome().next_seq() == 11);
  for (size_t i = 10; i < 40; ++i) push.Send(sealed[i]);
  push.ReadAcks(40);
  REQUIRE(collector.Rows("log") == 40);
}

TEST_CASE("configuration is told only to laptops that have another one") {
  Collector collector;
  Laptop laptop;
  std::string hash;
  {
    Push push(collector.Channel());
    push.SendHello(push.HelloOf(laptop));
    const v1::Welcome welcome = push.ReadWelcome();
    REQUIRE(welcome.has_configuration());
    REQUIRE(welcome.configuration().push_active_s() == 300);
    hash = welcome.configuration().hash();
    REQUIRE(hash.size() == 32);
  }
  auto ask = [&] {
    Push push(collector.Channel());
    v1::Hello hello = push.HelloOf(laptop);
    hello.set_configuration_hash(hash);
    push.SendHello(hello);
    return push.ReadWelcome();
  };
  REQUIRE_FALSE(ask().has_configuration());
  collector.configurations.Watch(1, collector.clock.WallMs() + 1'000);
  REQUIRE(ask().configuration().watched());
  collector.clock.Advance(2'000);
  REQUIRE_FALSE(ask().has_configuration());
}

TEST_CASE("skew is taken once, from Hello, and kept with each row") {
  Collector collector;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  Push push(collector.Channel());
  v1::Hello hello = push.HelloOf(laptop);
  hello.set_wall_ms(collector.clock.WallMs() - 36'000'000);
  push.SendHello(hello);
  push.ReadWelcome();
  collector.clock.Advance(5'000);
  push.Send(first);
  push.ReadAcks(1);
  REQUIRE(collector.Query("SELECT skew_ms FROM log") == -36'000'000);
  REQUIRE(collector.Query("SELECT received_ms FROM log") == collector.clock.WallMs());
}

TEST_CASE("a laptop whose clock shows nonsense is heard, its skew held within what can be added") {
  struct Case {
    int64_t said_ms;
    int64_t taken_ms;
  };
  const auto c = GENERATE(Case{INT64_MIN, -kWallMsMax}, Case{INT64_MAX, kWallMsMax},
                          Case{-kWallMsMax, -kWallMsMax}, Case{kWallMsMax, kWallMsMax},
                          Case{kWallMsMax - 1, kWallMsMax - 1});
  Collector collector;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  Push push(collector.Channel());
  v1::Hello hello = push.HelloOf(laptop);
  hello.set_wall_ms(c.said_ms);
  hello.set_boottime_ms(c.said_ms);
  push.SendHello(hello);
  push.ReadWelcome();
  push.Send(first);
  push.ReadAcks(1);
  REQUIRE(collector.Query("SELECT skew_ms FROM log") == c.taken_ms - collector.clock.WallMs());
}

TEST_CASE("a batch that can never be accepted is refused and the rest goes on") {
  Collector collector;
  Laptop laptop;
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  push.ReadWelcome();
  push.Send(laptop.Seal(1));
  push.Send(laptop.SealBroken());
  push.Send(laptop.Seal(3));
  const std::string whole = laptop.Seal(4);
  push.Send(whole.substr(0, whole.size() / 2));
  push.Send(laptop.Seal(5));
  laptop.Seal(6);
  push.Send(std::string(BatchLimits::kSealedBytesMax + 1, 'x'));
  push.Send(laptop.Seal(7));
  push.End();
  const auto refused = push.ReadAcks(7);
  REQUIRE(refused.size() == 3);
  REQUIRE(refused[0].seq() == 2);
  REQUIRE(refused[0].reason() == v1::MALFORMED);
  REQUIRE(refused[1].seq() == 4);
  REQUIRE(refused[1].reason() == v1::MALFORMED);
  REQUIRE(refused[2].seq() == 6);
  REQUIRE(refused[2].reason() == v1::TOO_LARGE);
  REQUIRE(push.Finish().ok());
  REQUIRE(collector.Query("SELECT count(*) FROM log WHERE kind = 0") == 4);
}

TEST_CASE("a batch ahead of its turn is answered with the place expected") {
  Collector collector;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  const std::string second = laptop.Seal(2);
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  push.ReadWelcome();
  push.Send(second);
  REQUIRE(push.ReadWelcome().next_seq() == 1);
  push.Send(first);
  push.Send(second);
  push.ReadAcks(2);
}

TEST_CASE("the reconnect window grows with the fleet and shrinks with the cores") {
  REQUIRE(ReconnectWindowSeconds(0, 2) == 1);
  REQUIRE(ReconnectWindowSeconds(1'000, 2) == 4);
  REQUIRE(ReconnectWindowSeconds(50'000, 2) == 200);
  REQUIRE(ReconnectWindowSeconds(50'000, 16) == 25);
}

}  // namespace
}  // namespace candor
