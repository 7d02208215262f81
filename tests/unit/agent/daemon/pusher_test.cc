// Pushes as a whole: when they start, what they carry, and what follows from how they end; against
// uplinks played by the test behind a socket, where a service manager would start them.
#include "agent/daemon/pusher.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <functional>
#include <future>
#include <thread>

#include "tests/unit/agent/daemon/played_uplink.h"
#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using testing::NumberedHarvest;
using testing::PlayedUplink;
using testing::TakeAll;
using Script = std::function<void(PlayedUplink&)>;

class Desk {
 public:
  Desk() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, socket_path_.c_str());
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_, 4) == 0);
  }
  ~Desk() { close(listener_); }

  // Waits for the next push, and runs it and those that follow at once, each with its script; that
  // one is missing fails the test.
  void Pushes(const std::vector<Script>& scripts) {
    clock().Advance(pusher.status().next_wall_ms - clock().WallMs());
    bool all = true;
    std::thread peer([&] {
      for (const Script& script : scripts) {
        pollfd asked{listener_, POLLIN, 0};
        all = all && poll(&asked, 1, 3'000) == 1;
        if (!all) return;
        PlayedUplink uplink(accept(listener_, nullptr, nullptr));
        script(uplink);
      }
    });
    pusher.Consider(true, false, 0);
    io.restart();
    io.run();
    peer.join();
    REQUIRE(all);
  }
  // Runs `what` between two turns of the daemon, from a script.
  void InDaemon(const std::function<void()>& what) {
    std::promise<void> done;
    asio::post(io, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }

  // A push that goes well and says which batches it was given.
  Script Well(std::vector<uint64_t>& seqs, const std::function<void()>& meanwhile = {}) {
    return [this, &seqs, meanwhile](PlayedUplink& uplink) {
      const auto start = uplink.Next();
      uplink.Welcome(1);
      if (meanwhile) InDaemon(meanwhile);
      seqs = TakeAll(uplink, start ? start->start().hello().epoch() : 0);
      uplink.Done(v1::PushDone::OK);
    };
  }
  static void Badly(PlayedUplink& uplink) {
    uplink.Next();
    uplink.Done(v1::PushDone::UNREACHABLE);
  }
  int64_t WaitMs() { return pusher.status().next_wall_ms - clock().WallMs(); }
  testing::ManualClock& clock() { return test.clock; }
  void Measure(int64_t n) { REQUIRE_OK(test.spool->Add(NumberedHarvest(n))); }
  void Crash(int64_t n) {
    REQUIRE_OK(test.spool->Add(NumberedHarvest(n, true)));
    pusher.OnUrgent();
  }

  testing::SpoolInFolder test;
  asio::io_context io;
  WindowSet windows{test.clock, testing::kBoot};
  EffectiveConfiguration configuration;

 private:
  std::string socket_path_ = test.folder.File("uplink.sock");
  int listener_ = -1;

 public:
  Pusher pusher{PusherContext{io, test.clock, test.random, *test.spool, windows,
                              UplinkPlace{socket_path_, "", "/state"},
                              [this]() -> const EffectiveConfiguration& { return configuration; },
                              [](const v1::Configuration&) {}}};
};

TEST_CASE("a push seals and carries what was measured, and the next one is minutes away") {
  Desk desk;
  desk.Measure(1);
  std::vector<uint64_t> seqs;
  desk.Pushes({desk.Well(seqs)});
  CHECK(seqs == std::vector<uint64_t>{1});
  CHECK(desk.pusher.status().last_outcome == "ok");
  CHECK(desk.WaitMs() >= 240'000);
}

TEST_CASE("a crash while a push runs is carried by the next, at once") {
  Desk desk;
  desk.Measure(1);
  std::vector<uint64_t> first;
  std::vector<uint64_t> second;
  desk.Pushes({desk.Well(first,
                         [&] {
                           desk.Crash(2);
                           desk.clock().Advance(PushPolicy::kUrgentSpreadMs);
                         }),
               desk.Well(second)});
  CHECK(first == std::vector<uint64_t>{1});
  CHECK(second == std::vector<uint64_t>{2});
  CHECK(desk.WaitMs() >= 240'000);
}

TEST_CASE("while the collector is away, minutes wait to be sealed in larger pieces") {
  Desk desk;
  desk.Measure(1);
  desk.Pushes({Desk::Badly});
  for (int n = 2; n < 61; ++n) desk.Measure(n);
  desk.Pushes({Desk::Badly});
  CHECK(desk.test.Position().last_sealed == 1);
  desk.Measure(61);
  desk.Pushes({Desk::Badly});
  CHECK(desk.test.Position().last_sealed == 2);
}

TEST_CASE("when the collector is back, nothing that was measured waits for the next regular push") {
  Desk desk;
  desk.Measure(1);
  desk.Pushes({Desk::Badly});
  desk.Measure(2);
  std::vector<uint64_t> first;
  std::vector<uint64_t> second;
  desk.Pushes({desk.Well(first), desk.Well(second)});
  CHECK(first == std::vector<uint64_t>{1});
  CHECK(second == std::vector<uint64_t>{2});
  CHECK(desk.test.spool->Figures().pending == 0);
  CHECK(desk.WaitMs() >= 240'000);
}

// A push in which the uplink tells what it measured of a service.
Script Probing(uint64_t tls_us, uint64_t first_byte_us, const std::string& failure) {
  return [=](PlayedUplink& uplink) {
    uplink.Next();
    uplink.Welcome(1);
    v1::FromUplink message;
    message.mutable_probe()->set_service("mail");
    if (tls_us != 0) message.mutable_probe()->set_tls_us(tls_us);
    if (first_byte_us != 0) message.mutable_probe()->set_first_byte_us(first_byte_us);
    message.mutable_probe()->set_failure(failure);
    uplink.Say(message);
    uplink.Done(v1::PushDone::OK);
  };
}

TEST_CASE("probes of the uplink become values, only what lastingly fails is unmeasured") {
  Desk desk;
  desk.configuration.services = {{.name = "mail", .host = "m", .http_path = "/"}};
  const auto reason = [&](uint32_t what) {
    const auto& items = desk.windows.unmeasured().items();
    const auto at = items.find({what, "mail"});
    return at == items.end() ? std::string() : at->second;
  };
  desk.Pushes({Probing(20'000, 40'000, "")});
  REQUIRE(desk.windows.Latest().size() >= 2);
  for (int i = 0; i < 2; ++i) {
    desk.Pushes({Probing(0, 0, "no answer in time")});
    CHECK(reason(metric::kTls).empty());
  }
  desk.Pushes({Probing(0, 0, "no answer in time")});
  CHECK(reason(metric::kTls).find("does not answer") != std::string::npos);
  CHECK(reason(metric::kFirstByte).find("does not answer") != std::string::npos);
  desk.Pushes({Probing(20'000, 40'000, "")});
  CHECK(reason(metric::kTls).empty());
}

TEST_CASE("what a service is not asked for keeps the reason that the configuration gives it") {
  Desk desk;
  desk.configuration.services = {{.name = "mail", .host = "m", .tls = false, .http_path = "/"}};
  desk.windows.Unmeasured(metric::kTls, "mail", "the service is probed without TLS");
  const std::string failure = GENERATE("", "refused");
  desk.Pushes({Probing(0, failure.empty() ? 40'000 : 0, failure)});
  CHECK(desk.windows.unmeasured().items().at({metric::kTls, "mail"}) ==
        "the service is probed without TLS");
  CHECK(desk.windows.unmeasured().items().contains({metric::kFirstByte, "mail"}) ==
        !failure.empty());
}

TEST_CASE("a crash while the collector is away goes with the first push that arrives") {
  Desk desk;
  desk.Measure(1);
  desk.Pushes({Desk::Badly});
  desk.Crash(2);
  desk.Pushes({Desk::Badly});
  std::vector<uint64_t> seqs;
  desk.Pushes({desk.Well(seqs)});
  CHECK(seqs == std::vector<uint64_t>{1, 2});
  CHECK(desk.WaitMs() >= 240'000);
}

}  // namespace
}  // namespace candor
