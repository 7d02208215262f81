// A push that reaches its collector.
#include "agent/uplink/push.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "common/time_units.h"
#include "common/tls/authority.h"
#include "tests/support/tls_server.h"
#include "tests/unit/agent/uplink/uplink_fixture.h"

namespace candor {
namespace {

using testing::IngestCall;
using testing::SealedBatches;
using testing::StartOf;
using testing::TestCollector;
using testing::TestPush;

TEST_CASE("Every batch arrives as it was sealed, in order, and is acknowledged", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  const DeviceIdentity identity = collector.EnrollInto(state.path());
  const SystemClock clock;
  const std::vector<std::string> batches = SealedBatches(20);
  TestPush push(state.path(), clock, StartOf(1, 20));
  for (const std::string& batch : batches) push.Batch(batch);
  push.End();
  const v1::PushDone done = push.Done();
  INFO(done.detail());
  REQUIRE(done.outcome() == v1::PushDone::OK);
  REQUIRE(done.detail().empty());
  REQUIRE_OK(push.Join());
  REQUIRE(collector.batches() == batches);
  REQUIRE(push.seen.front().welcome().next_seq() == 1);
  uint64_t acked = 0;
  for (const v1::FromUplink& message : push.seen) {
    if (message.has_ack()) acked = message.ack().through();
  }
  REQUIRE(acked == 20);
  REQUIRE(done.certificate_not_after_ms() ==
          Certificate::FromPem(identity.credential.certificate_pem)->not_after_ms());
}

TEST_CASE("Hello goes with the clock of the moment", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  v1::PushStart start = StartOf(3, 9);
  start.mutable_hello()->set_wall_ms(1);
  start.mutable_hello()->set_agent_version("0.1.0");
  const int64_t before_ms = clock.WallMs();
  TestPush push(state.path(), clock, start);
  push.End();
  REQUIRE(push.Done().outcome() == v1::PushDone::OK);
  const v1::Hello hello = collector.hello();
  REQUIRE(hello.epoch() == 7);
  REQUIRE(hello.first_held() == 3);
  REQUIRE(hello.last_sealed() == 9);
  REQUIRE(hello.agent_version() == "0.1.0");
  REQUIRE(hello.wall_ms() >= before_ms);
  REQUIRE(hello.boottime_ms() > 0);
}

TEST_CASE("What the collector has is not sent again", "[uplink]") {
  TestCollector collector;
  collector.SetScript(TestCollector::TakeAll(4));
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  const std::vector<std::string> batches = SealedBatches(5);
  TestPush push(state.path(), clock, StartOf(1, 5));
  for (const std::string& batch : batches) push.Batch(batch);
  push.End();
  REQUIRE(push.Done().outcome() == v1::PushDone::OK);
  REQUIRE(push.seen.front().welcome().next_seq() == 4);
  REQUIRE(collector.batches() == std::vector<std::string>{batches[3], batches[4]});
}

TEST_CASE("What it cost is told", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  TestPush push(state.path(), clock, StartOf(1, 1));
  push.Batch(SealedBatches(1, 100'000).front());
  push.End();
  const v1::PushDone done = push.Done();
  REQUIRE(done.outcome() == v1::PushDone::OK);
  REQUIRE(done.cpu_us() > 0);
  REQUIRE(done.rss_kib_max() > 1'000);
  REQUIRE(done.context_switches() > 0);
  REQUIRE(done.bytes_sent() > 100'000);
  REQUIRE(done.bytes_received() > 1'000);
}

TEST_CASE("No more is on its way than the limit, however slow the collector", "[uplink]") {
  constexpr size_t kBatchBytes = 900'000;
  TestCollector collector;
  std::atomic<size_t> unacknowledged_max = 0;
  collector.SetScript([&](IngestCall& call) {
    v1::AgentMessage message;
    call.Read(message);
    call.Welcome(1);
    // Reads as fast as it can while it does not acknowledge.
    std::atomic<uint64_t> read = 0;
    std::atomic<uint64_t> acked = 0;
    std::thread reader([&] {
      v1::AgentMessage batch;
      while (call.Read(batch)) {
        ++read;
        const size_t unacknowledged = (read - acked) * kBatchBytes;
        if (unacknowledged > unacknowledged_max) unacknowledged_max = unacknowledged;
      }
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (acked < 12 && !call.cancelled()) {
      // A sender that waits for each acknowledgement never has two on their way.
      while (read < std::min<uint64_t>(12, acked + 2) &&
             std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      // Long enough for whatever a careless sender would push down the line.
      std::this_thread::sleep_for(std::chrono::milliseconds(40));
      acked = std::min<uint64_t>(acked + 1, read);
      call.Ack(acked);
    }
    reader.join();
    return absl::OkStatus();
  });
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  TestPush push(state.path(), clock, StartOf(1, 12));
  const std::vector<std::string> batches = SealedBatches(12, kBatchBytes);
  std::thread daemon([&] {
    for (const std::string& batch : batches) push.Batch(batch);
    push.End();
  });
  const v1::PushDone done = push.Done();
  daemon.join();
  INFO(done.detail());
  REQUIRE(done.outcome() == v1::PushDone::OK);
  REQUIRE(collector.batches().size() == 12);
  REQUIRE(unacknowledged_max <= size_t{4} << 20);
  REQUIRE(unacknowledged_max >= 2 * kBatchBytes);
}

TEST_CASE("Configuration and throttling reach the daemon", "[uplink]") {
  TestCollector collector;
  collector.SetScript([](IngestCall& call) {
    v1::AgentMessage message;
    call.Read(message);
    call.Welcome(1);
    v1::CollectorMessage answer;
    answer.mutable_configuration()->set_push_idle_s(77);
    call.Write(answer);
    answer.mutable_throttle()->set_retry_after_ms(4711);
    call.Write(answer);
    return absl::ResourceExhaustedError("too much at once");
  });
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  TestPush push(state.path(), clock, StartOf(1, 0));
  const v1::PushDone done = push.Done();
  REQUIRE(done.outcome() == v1::PushDone::THROTTLED);
  REQUIRE(done.detail() == "too much at once");
  REQUIRE(push.seen.size() == 4);
  REQUIRE(push.seen[1].configuration().push_idle_s() == 77);
  REQUIRE(push.seen[2].throttle().retry_after_ms() == 4711);
}

TEST_CASE("Told the expected place again, the daemon may begin there", "[uplink]") {
  TestCollector collector;
  collector.SetScript([](IngestCall& call) {
    v1::AgentMessage message;
    call.Read(message);
    call.Welcome(1);
    call.Read(message);
    call.Read(message);
    call.Welcome(2);  // the second one was lost on this side
    call.Read(message);
    call.Ack(2);
    while (call.Read(message)) {
    }
    return absl::OkStatus();
  });
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const SystemClock clock;
  const std::vector<std::string> batches = SealedBatches(2);
  TestPush push(state.path(), clock, StartOf(1, 2));
  push.Batch(batches[0]);
  push.Batch(batches[1]);
  REQUIRE(push.Next().welcome().next_seq() == 1);
  REQUIRE(push.Next().welcome().next_seq() == 2);
  push.Batch(batches[0]);  // left out: the collector has it
  push.Batch(batches[1]);
  REQUIRE(push.Next().ack().through() == 2);
  push.End();
  REQUIRE(push.Done().outcome() == v1::PushDone::OK);
  REQUIRE(collector.batches() == std::vector<std::string>{batches[0], batches[1], batches[1]});
}

TEST_CASE("Services are measured in the same push", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  const DeviceIdentity identity = collector.EnrollInto(state.path());
  const SystemClock clock;
  testing::TlsServer::Options options;
  options.certificate_pem = collector.fleet.fleet->server_chain_pem;
  options.key_pem = collector.fleet.fleet->server_key_pem;
  options.answer = [](const std::string&) { return "HTTP/1.1 204 No Content\r\n\r\n"; };
  const testing::TlsServer server(options);
  v1::PushStart start = StartOf(1, 0);
  for (const char* name : {"mail", "nobody"}) {
    v1::Configuration::Service* service = start.add_probe();
    service->set_name(name);
    service->set_host("127.0.0.1");
    service->set_port(std::string(name) == "mail" ? server.port() : 1);
    service->set_tls(true);
    service->set_http_path("/");
  }
  TestPush push(state.path(), clock, start);
  push.End();
  REQUIRE(push.Done().outcome() == v1::PushDone::OK);
  std::vector<v1::ServiceProbe> probes;
  for (const v1::FromUplink& message : push.seen) {
    if (message.has_probe()) probes.push_back(message.probe());
  }
  REQUIRE(probes.size() == 2);
  REQUIRE(probes[0].service() == "mail");
  REQUIRE(probes[0].has_first_byte_us());
  REQUIRE(probes[1].service() == "nobody");
  REQUIRE_FALSE(probes[1].failure().empty());
}

TEST_CASE("A certificate near its end is renewed before the push", "[uplink]") {
  const int64_t age_ms = 29 * kMsPerDay;
  TestCollector collector(age_ms);
  const testing::TempFolder state;
  const DeviceIdentity old = collector.EnrollInto(state.path());
  collector.fleet.clock.Advance(age_ms);
  const SystemClock clock;
  TestPush push(state.path(), clock, StartOf(1, 1));
  push.Batch(SealedBatches(1).front());
  push.End();
  const v1::PushDone done = push.Done();
  INFO(done.detail());
  REQUIRE(done.outcome() == v1::PushDone::OK);
  const auto renewed = IdentityFiles(state.path()).Load();
  REQUIRE_OK(renewed);
  REQUIRE(renewed->device_id == old.device_id);
  REQUIRE(renewed->credential.key_pem != old.credential.key_pem);
  REQUIRE(done.certificate_not_after_ms() > clock.WallMs() + 29 * kMsPerDay);
  REQUIRE(collector.batches().size() == 1);
}

TEST_CASE("A laptop that was away past its certificate's end renews and pushes", "[uplink]") {
  const int64_t age_ms = 45 * kMsPerDay;
  TestCollector collector(age_ms);
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  collector.fleet.clock.Advance(age_ms);
  const SystemClock clock;
  TestPush push(state.path(), clock, StartOf(1, 0));
  push.End();
  const v1::PushDone done = push.Done();
  INFO(done.detail());
  REQUIRE(done.outcome() == v1::PushDone::OK);
}

}  // namespace
}  // namespace candor
