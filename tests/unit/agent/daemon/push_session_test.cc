// The daemon's side of a push, against an uplink played by the test at the other end of the socket.
#include "agent/daemon/push_session.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <thread>

#include "tests/unit/agent/daemon/played_uplink.h"
#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

namespace asio = boost::asio;
using testing::SpoolInFolder;
using testing::TakeAll;
using Uplink = testing::PlayedUplink;

struct SessionFixture {
  PushResult Push(const std::function<void(Uplink&)>& script, PushLimits limits = {},
                  uint64_t hello_epoch = 0) {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    std::thread peer([&script, fd = ends[1]] {
      Uplink uplink(fd);
      script(uplink);
    });
    asio::io_context io;
    PushSession session(io, ends[0], *test.spool, limits,
                        [this](const v1::FromUplink& message) { heard.push_back(message); });
    v1::PushStart start;
    start.mutable_hello()->set_epoch(hello_epoch == 0 ? test.Position().epoch : hello_epoch);
    PushResult result;
    asio::co_spawn(io, session.Run(start), [&](std::exception_ptr failure, PushResult r) {
      REQUIRE_FALSE(failure);
      result = std::move(r);
    });
    io.run();
    peer.join();
    return result;
  }

  SpoolInFolder test;
  std::vector<v1::FromUplink> heard;
  bool sent_a_batch = false;
};

TEST_CASE("a push sends what is held, in order, and frees what is acknowledged") {
  SessionFixture f;
  for (int n = 1; n <= 5; ++n) f.test.AddSealed(n);
  const uint64_t epoch = f.test.Position().epoch;
  std::vector<uint64_t> seqs;
  bool began_with_start = false;
  bool waited_for_welcome = false;
  const PushResult result = f.Push([&](Uplink& uplink) {
    const auto start = uplink.Next();
    began_with_start = start && start->has_start() && start->start().deadline_ms() > 0;
    waited_for_welcome = uplink.Quiet(50);
    uplink.Welcome(1);
    seqs = TakeAll(uplink, epoch);
    uplink.Done(v1::PushDone::OK);
  });
  REQUIRE(began_with_start);
  REQUIRE(waited_for_welcome);
  REQUIRE(seqs == std::vector<uint64_t>{1, 2, 3, 4, 5});
  REQUIRE(result.done.outcome() == v1::PushDone::OK);
  REQUIRE(result.welcomed);
  REQUIRE(result.batches_sent == 5);
  REQUIRE(result.batches_left == 0);
  REQUIRE(f.test.Position().first_held == 6);
  REQUIRE(f.heard.size() == 6);
}

TEST_CASE("what the collector has already is not sent") {
  SessionFixture f;
  for (int n = 1; n <= 4; ++n) f.test.AddSealed(n);
  std::vector<uint64_t> seqs;
  f.Push([&](Uplink& uplink) {
    uplink.Next();
    uplink.Welcome(4);
    seqs = TakeAll(uplink, 0);
    uplink.Done(v1::PushDone::OK);
  });
  REQUIRE(seqs == std::vector<uint64_t>{4});
  REQUIRE(f.test.Position().first_held == 4);
}

TEST_CASE("an uplink that breaks off leaves everything that was not acknowledged") {
  SessionFixture f;
  for (int n = 1; n <= 3; ++n) f.test.AddSealed(n);
  const uint64_t epoch = f.test.Position().epoch;
  const PushResult result = f.Push([&](Uplink& uplink) {
    uplink.Next();
    uplink.Welcome(1);
    uplink.Next();
    uplink.Next();
    uplink.Ack(epoch, 1);
  });
  REQUIRE(result.done.outcome() == v1::PushDone::OUTCOME_UNSPECIFIED);
  REQUIRE(absl::IsUnavailable(result.error));
  REQUIRE(f.test.Position().first_held == 2);
  REQUIRE(result.batches_left == 2);
}

TEST_CASE("batches go only as fast as they are acknowledged") {
  SessionFixture f;
  for (int n = 1; n <= 6; ++n) f.test.AddSealed(n);
  const uint64_t epoch = f.test.Position().epoch;
  PushLimits limits;
  limits.in_flight_bytes_max = 1;
  bool held_back = false;
  f.Push(
      [&](Uplink& uplink) {
        uplink.Next();
        uplink.Welcome(1);
        uplink.Next();
        held_back = uplink.Quiet(100);
        uplink.Ack(epoch, 1);
        TakeAll(uplink, epoch);
        uplink.Done(v1::PushDone::OK);
      },
      limits);
  REQUIRE(held_back);
  REQUIRE(f.test.Position().first_held == 7);
}

TEST_CASE("a Welcome told again sends anew what was under way") {
  SessionFixture f;
  for (int n = 1; n <= 3; ++n) f.test.AddSealed(n);
  const uint64_t epoch = f.test.Position().epoch;
  PushLimits limits;
  limits.in_flight_bytes_max = 1;
  std::vector<uint64_t> seqs;
  f.Push(
      [&](Uplink& uplink) {
        uplink.Next();
        uplink.Welcome(1);
        uplink.Next();
        uplink.Welcome(1);
        seqs = TakeAll(uplink, epoch);
        uplink.Done(v1::PushDone::OK);
      },
      limits);
  REQUIRE(seqs == std::vector<uint64_t>{1, 2, 3});
}

TEST_CASE("an older copy ends the push and begins a new epoch") {
  SessionFixture f;
  f.test.AddSealed(1);
  const uint64_t epoch = f.test.Position().epoch;
  const PushResult result = f.Push([&](Uplink& uplink) {
    uplink.Next();
    uplink.Welcome(100);
    uplink.Next();
  });
  REQUIRE(result.new_epoch);
  REQUIRE(f.test.Position().epoch != epoch);
}

TEST_CASE(
    "a push that said hello for a spool that is gone carries nothing of the one in its place") {
  SessionFixture f;
  f.test.AddSealed(1);
  const PushResult result = f.Push(
      [&](Uplink& uplink) {
        uplink.Next();
        // The daemon said hello with the old spool's epoch; then that spool was found damaged.
        uplink.Welcome(1);
        while (const auto message = uplink.Next())
          f.sent_a_batch = f.sent_a_batch || message->has_batch();
      },
      {}, /*hello_epoch=*/f.test.Position().epoch + 1);
  REQUIRE(absl::IsAborted(result.error));
  REQUIRE(result.new_epoch);
  REQUIRE_FALSE(f.sent_a_batch);
}

TEST_CASE("a silent uplink is left") {
  SessionFixture f;
  PushLimits limits;
  limits.silence_max_ms = 100;
  const PushResult result = f.Push(
      [&](Uplink& uplink) {
        uplink.Next();
        uplink.Next();  // until the daemon closes
      },
      limits);
  REQUIRE(absl::IsDeadlineExceeded(result.error));
}

TEST_CASE("nonsense from the uplink ends the push, nothing else") {
  SessionFixture f;
  f.test.AddSealed(1);
  const std::string nonsense =
      GENERATE(std::string("\xff\xff\xff\xff", 4), std::string("\x03\x00\x00\x00\xff\xff\xff", 7));
  const PushResult result = f.Push([&](Uplink& uplink) {
    uplink.Next();
    uplink.SayRaw(nonsense);
    uplink.Next();
  });
  REQUIRE_FALSE(result.error.ok());
  REQUIRE(f.test.Position().first_held == 1);
}

TEST_CASE("an acknowledgement of what was never sealed ends the push") {
  SessionFixture f;
  f.test.AddSealed(1);
  const uint64_t epoch = f.test.Position().epoch;
  const PushResult result = f.Push([&](Uplink& uplink) {
    uplink.Next();
    uplink.Welcome(1);
    uplink.Ack(epoch, 77);
    while (uplink.Next()) {
    }
  });
  REQUIRE(absl::IsInvalidArgument(result.error));
  REQUIRE(f.test.Position().first_held == 1);
}

}  // namespace
}  // namespace candor
