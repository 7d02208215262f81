// Who may push, how much at once, and what becomes of forks and of many laptops at once.
#include <unistd.h>

#include <atomic>
#include <future>

#include "tests/support/catch.h"
#include "tests/unit/collector/ingest/ingest_collector.h"

namespace candor {
namespace {

using testing::Collector;
using testing::kDevice;
using testing::kOther;
using testing::Laptop;
using testing::Push;

TEST_CASE("a device speaks for itself only") {
  Collector collector;
  Laptop laptop;
  const std::string first = laptop.Seal(1);
  Push(collector.Channel(kDevice)).All(laptop, {first});
  Push(collector.Channel(kOther)).All(laptop, {first});
  REQUIRE(collector.Query("SELECT count(DISTINCT device) FROM log") == 2);
  REQUIRE(collector.Rows("quarantine") == 0);
}

TEST_CASE("once a fork is settled, the laptop that stays delivers all it holds and begins anew") {
  Collector collector;
  Laptop stays, copy;
  Push(collector.Channel()).All(copy, {copy.Seal(1)});
  const std::string own = stays.Seal(2);
  Push(collector.Channel()).All(stays, {own});
  REQUIRE(collector.Rows("quarantine") == 1);

  const auto push = [&](const std::vector<std::string>& sealed) {
    Push next(collector.Channel());
    next.SendHello(next.HelloOf(stays, stays.last_sealed() + 1 - sealed.size()));
    const uint64_t expected = next.ReadWelcome().next_seq();
    for (const std::string& bytes : sealed) next.Send(bytes);
    if (!sealed.empty()) next.ReadAcks(stays.last_sealed());
    next.End();
    std::vector<uint64_t> told = {expected};
    while (const auto message = next.Read()) {
      REQUIRE(message->has_welcome());
      told.push_back(message->welcome().next_seq());
    }
    REQUIRE(next.Finish().ok());
    return told;
  };
  const std::string second = stays.Seal(3);
  REQUIRE(push({second}) == std::vector<uint64_t>{2});  // not settled

  REQUIRE_OK(collector.writer().Run([](Database& db) {
    return db.Execute(
        "INSERT INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
        "certificate_not_after_ms) SELECT 9, 'anew', host, 1 << 45, '', 0 FROM device "
        "WHERE no = 1");
  }));
  const std::string third = stays.Seal(4);
  const std::string fourth = stays.Seal(5);
  // Told only after everything it holds is acknowledged, since it may give that up.
  REQUIRE(push({third, fourth}) == std::vector<uint64_t>{3, kBeyondEverySeq});
  REQUIRE(collector.Rows("quarantine") == 4);
  REQUIRE(push({}) == std::vector<uint64_t>{kBeyondEverySeq});

  Laptop anew(77);
  Push(collector.Channel()).All(anew, {anew.Seal(1)});
  REQUIRE(collector.Rows("quarantine") == 4);
  REQUIRE(collector.Rows("log") == 2);
}

TEST_CASE("who may not stream is told why") {
  Collector collector;
  Laptop laptop;
  auto status_of = [&](const std::shared_ptr<grpc::Channel>& channel) {
    Push push(channel);
    push.SendHello(push.HelloOf(laptop));
    return push.Finish();
  };
  SECTION("an administrator") {
    const grpc::Status status = status_of(collector.Channel(Identity{Role::kItAdmin, "alice"}));
    REQUIRE(status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
    REQUIRE(status.error_message().starts_with("wrong role: "));
  }
  SECTION("a revoked device") {
    collector.Revoke(kDevice);
    const grpc::Status status = status_of(collector.Channel());
    REQUIRE(status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
    REQUIRE(status.error_message().starts_with("revoked: "));
  }
  SECTION("a device nobody enrolled") {
    const grpc::Status status =
        status_of(collector.Channel("99999999-2222-4333-8444-555555555555"));
    REQUIRE(status.error_code() == grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_CASE("a revocation reaches a stream that is already open") {
  Collector collector;
  Laptop laptop;
  Push push(collector.Channel());
  push.SendHello(push.HelloOf(laptop));
  push.ReadWelcome();
  push.Send(laptop.Seal(1));
  push.ReadAcks(1);
  collector.Revoke(kDevice);
  push.Send(laptop.Seal(2));
  const grpc::Status status = push.Finish();
  REQUIRE(status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
  REQUIRE(collector.Rows("log") == 1);
}

TEST_CASE("a newer stream of a device takes over from an older one") {
  Collector collector;
  Laptop laptop;
  Push older(collector.Channel());
  older.SendHello(older.HelloOf(laptop));
  older.ReadWelcome();
  const std::string first = laptop.Seal(1);
  Push newer(collector.Channel());
  newer.SendHello(newer.HelloOf(laptop));
  newer.ReadWelcome();
  REQUIRE(older.Finish().error_code() == grpc::StatusCode::ABORTED);
  newer.Send(first);
  newer.ReadAcks(1);
  REQUIRE(collector.stats.streams_superseded == 1);
}

TEST_CASE("a laptop that does not keep to the protocol is told what is wrong") {
  Collector collector;
  Laptop laptop;
  Push push(collector.Channel());
  SECTION("no Hello") {
    push.Send(laptop.Seal(1));
    const grpc::Status status = push.Finish();
    REQUIRE(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    REQUIRE(status.error_message().find("Hello") != std::string::npos);
  }
  SECTION("nothing at all") {
    push.End();
    REQUIRE(push.Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  SECTION("a protocol of the future") {
    v1::Hello hello = push.HelloOf(laptop);
    hello.set_protocol(9);
    push.SendHello(hello);
    REQUIRE(push.Finish().error_code() == grpc::StatusCode::UNIMPLEMENTED);
  }
  SECTION("places that cannot be") {
    v1::Hello hello = push.HelloOf(laptop);
    hello.set_first_held(10);
    push.SendHello(hello);
    REQUIRE(push.Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  SECTION("no epoch") {
    v1::Hello hello = push.HelloOf(laptop);
    hello.set_epoch(0);
    push.SendHello(hello);
    REQUIRE(push.Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  }
  REQUIRE(collector.Rows("log") == 0);
}

TEST_CASE("a collector with too many streams tells the next one when to come back") {
  Collector collector;
  collector.limits.streams_max = 1;
  collector.Restart();
  Laptop laptop;
  Push first(collector.Channel(kDevice));
  first.SendHello(first.HelloOf(laptop));
  first.ReadWelcome();
  Push second(collector.Channel(kOther));
  const auto message = second.Read();
  REQUIRE(message);
  REQUIRE(message->has_throttle());
  REQUIRE(message->throttle().retry_after_ms() >= 1'000);
  REQUIRE(second.Finish().error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  first.Send(laptop.Seal(1));
  first.ReadAcks(1);
}

TEST_CASE("a stream may hold more than its share of memory only as long as it is read slowly") {
  Collector collector;
  collector.limits.stream_pending_bytes_max = 1'000;
  collector.Restart();
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 500; ++i) sealed.push_back(laptop.Seal(i));
  Push(collector.Channel()).All(laptop, sealed);
  REQUIRE(collector.Rows("log") == 500);
}

TEST_CASE(
    "when the disk is full the laptop is told to come back, and nothing acknowledged is lost") {
  Collector collector;
  Laptop laptop;
  std::vector<std::string> sealed;
  for (int i = 0; i < 600; ++i) sealed.push_back(laptop.Seal(i));
  const int64_t pages = collector.Query("PRAGMA page_count");
  REQUIRE_OK(collector.writer().Run([pages](Database& db) {
    return db.Execute("PRAGMA max_page_count = " + std::to_string(pages + 3));
  }));
  uint64_t through = 0;
  {
    Push push(collector.Channel());
    push.SendHello(push.HelloOf(laptop));
    push.ReadWelcome();
    for (const std::string& bytes : sealed) push.Send(bytes);
    push.End();
    while (const auto message = push.Read()) {
      if (message->has_ack()) through = message->ack().through();
    }
    const grpc::Status status = push.Finish();
    REQUIRE(status.error_code() == grpc::StatusCode::UNAVAILABLE);
    REQUIRE(status.error_message().find("full") != std::string::npos);
  }
  REQUIRE(through < 600);
  REQUIRE(collector.Rows("log") >= static_cast<int64_t>(through));
  REQUIRE_OK(collector.writer().Run(
      [](Database& db) { return db.Execute("PRAGMA max_page_count = 1000000"); }));
  Push(collector.Channel()).All(laptop, sealed);
  REQUIRE(collector.Rows("log") == 600);
}

TEST_CASE("two laptops with one identity end in quarantine, both acknowledged, without ping-pong") {
  Collector collector;
  Laptop one, clone;
  const std::string common = one.Seal(0);
  clone.Seal(0);
  std::vector<std::string> of_one{common, one.Seal(1), one.Seal(2)};
  std::vector<std::string> of_clone{common, clone.Seal(10), clone.Seal(20)};
  Push(collector.Channel()).All(one, of_one);
  Push(collector.Channel()).All(clone, of_clone);
  REQUIRE(collector.Rows("log") == 3);
  REQUIRE(collector.Rows("quarantine") == 2);
  of_one.push_back(one.Seal(3));
  {
    Push push(collector.Channel());
    push.SendHello(push.HelloOf(one, 4));
    REQUIRE(push.ReadWelcome().next_seq() == 4);
    push.Send(of_one[3]);
    push.ReadAcks(4);
  }
  REQUIRE(collector.Rows("log") == 3);
  REQUIRE(collector.stats.forks == 1);
}

TEST_CASE("many laptops at once all arrive, each once") {
  Collector collector;
  std::vector<std::future<void>> pushes;
  std::atomic<int> done = 0;
  for (uint64_t p = 0; p < 12; ++p) {
    const auto channel = collector.Channel(p % 2 == 0 ? kDevice : kOther);
    pushes.push_back(std::async(std::launch::async, [&done, channel, p] {
      Laptop laptop(100 + p);
      auto stub = v1::Ingest::NewStub(channel);
      std::vector<std::string> sealed;
      for (int i = 0; i < 30; ++i) sealed.push_back(laptop.Seal(i));
      // Streams of one device push each other out; a laptop comes back until all is acknowledged.
      for (uint64_t acked = 0; acked < 30;) {
        grpc::ClientContext context;
        auto stream = stub->Stream(&context);
        v1::AgentMessage message;
        message.mutable_hello()->set_protocol(1);
        message.mutable_hello()->set_epoch(laptop.epoch());
        message.mutable_hello()->set_first_held(acked + 1);
        message.mutable_hello()->set_last_sealed(30);
        stream->Write(message);
        for (uint64_t i = acked; i < 30; ++i) {
          message.set_batch(sealed[i]);
          if (!stream->Write(message)) break;
        }
        stream->WritesDone();
        v1::CollectorMessage answer;
        while (stream->Read(&answer)) {
          if (answer.has_ack()) acked = std::max(acked, answer.ack().through());
        }
        (void)stream->Finish();
      }
      ++done;
    }));
  }
  for (auto& push : pushes) push.get();
  REQUIRE(done == 12);
  REQUIRE(collector.Rows("log") == 12 * 30);
  REQUIRE(collector.Rows("quarantine") == 0);
  // A laptop sees the end of its stream a moment before the collector has put it away.
  for (int i = 0; i < 500 && collector.stats.streams_open > 0; ++i) usleep(10'000);
  REQUIRE(collector.stats.streams_open == 0);
}

}  // namespace
}  // namespace candor
