// candor-uplink as the program it is.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include "common/files.h"
#include "tests/support/process.h"
#include "tests/unit/agent/uplink/uplink_fixture.h"

namespace candor {
namespace {

using testing::Outcome;
using testing::Process;
using testing::RunProgram;
using testing::TestCollector;

// The program's end of a push on a descriptor that it inherits, and the daemon's.
struct ProgramPush {
  std::unique_ptr<Process> uplink;
  int daemon_fd = -1;
};

ProgramPush StartProgramPush(const std::string& state) {
  int ends[2] = {};
  // Without SOCK_CLOEXEC the child inherits its end under the same number.
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  REQUIRE(fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0);
  ProgramPush push;
  push.uplink = std::make_unique<Process>(Process::Command{
      .words = {CANDOR_UPLINK_PROGRAM, "push", "--state", state, "--fd", std::to_string(ends[1])},
      .environment = {{"LISTEN_FDS", "1"}}});
  close(ends[1]);
  push.daemon_fd = ends[0];
  return push;
}

std::vector<std::string> EnrollWords(TestCollector& collector, const testing::TempFolder& folder) {
  return {CANDOR_UPLINK_PROGRAM,
          "enroll",
          "--collector",
          collector.enroll_address(),
          "--token-file",
          folder.File("token"),
          "--ca-fingerprint",
          collector.fingerprint(),
          "--state",
          folder.File("state"),
          "--host",
          "laptop-1",
          "--label",
          "department=Sales",
          "--label",
          "location=Bonn"};
}

TEST_CASE("The program answers for itself", "[uplink]") {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"--help"},
                                                {"--version"},
                                                {"enroll", "--help"},
                                                {"push", "--help"}}) {
    std::vector<std::string> command = {CANDOR_UPLINK_PROGRAM};
    command.insert(command.end(), words.begin(), words.end());
    const Outcome outcome = RunProgram(command);
    REQUIRE(outcome.exit_code == 0);
    REQUIRE_FALSE(outcome.out.empty());
    REQUIRE(outcome.err.empty());
  }
}

TEST_CASE("Wrong usage is exit 2", "[uplink]") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{}, {"--nonsense"}, {"enroll"}, {"push", "--fd", "x"}}) {
    std::vector<std::string> command = {CANDOR_UPLINK_PROGRAM};
    command.insert(command.end(), words.begin(), words.end());
    const Outcome outcome = RunProgram(command);
    REQUIRE(outcome.exit_code == 2);
    REQUIRE(outcome.out.empty());
    REQUIRE_FALSE(outcome.err.empty());
  }
}

TEST_CASE("Enrolling prints the device once, then refuses with one line", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder folder;
  REQUIRE_OK(WriteFileAtomically(folder.File("token"), collector.fleet.Token() + "\n", 0600));
  const Outcome first = RunProgram(EnrollWords(collector, folder));
  INFO(first.err);
  REQUIRE(first.exit_code == 0);
  const auto identity = IdentityFiles(folder.File("state")).Load();
  REQUIRE_OK(identity);
  REQUIRE(first.out.find(identity->device_id) != std::string::npos);
  REQUIRE(collector.fleet.Count("device_label") == 2);
  const Outcome second = RunProgram(EnrollWords(collector, folder));
  REQUIRE(second.exit_code == 1);
  REQUIRE(second.out.empty());
  REQUIRE(second.err.starts_with("candor-uplink: already enrolled as device "));
  REQUIRE(std::count(second.err.begin(), second.err.end(), '\n') == 1);
}

TEST_CASE("Whatever is wrong with the collector is one line", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder folder;
  REQUIRE_OK(WriteFileAtomically(folder.File("token"), collector.fleet.Token() + "\n", 0600));
  std::vector<std::string> words = EnrollWords(collector, folder);
  SECTION("another authority") { words[7] = std::string(64, 'a'); }
  SECTION("another name") { words[3] = collector.misnamed_enroll_address(); }
  SECTION("nobody there") { words[3] = "127.0.0.1:1"; }
  SECTION("refused") { REQUIRE_OK(WriteFileAtomically(folder.File("token"), "cnd_abc", 0600)); }
  SECTION("a listener that is no enrolment listener") { words[3] = collector.fleet_address(); }
  const Outcome outcome = RunProgram(words);
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 1);
  REQUIRE(outcome.out.empty());
  REQUIRE(outcome.err.starts_with("candor-uplink: "));
  REQUIRE(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

TEST_CASE("kill -9 between the collector's yes and the key on disk leaves one device", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder folder;
  REQUIRE_OK(WriteFileAtomically(folder.File("token"), collector.fleet.Token(1) + "\n", 0600));
  std::atomic<pid_t> pid = 0;
  collector.BeforeEnrollAnswer([&] {
    while (pid == 0) std::this_thread::yield();
    kill(pid, SIGKILL);
  });
  Process killed({.words = EnrollWords(collector, folder)});
  pid = killed.pid();
  REQUIRE(killed.Wait(20'000).exit_code == 128 + SIGKILL);
  REQUIRE(collector.fleet.Count("device") == 1);
  REQUIRE(absl::IsNotFound(IdentityFiles(folder.File("state")).Load().status()));

  const Outcome again = RunProgram(EnrollWords(collector, folder));
  INFO(again.err);
  REQUIRE(again.exit_code == 0);
  REQUIRE(collector.fleet.Count("device") == 1);
  REQUIRE_OK(IdentityFiles(folder.File("state")).Load());
}

TEST_CASE("The program carries a push over the descriptor it was given", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const ProgramPush program = StartProgramPush(state.path());
  const std::vector<std::string> batches = testing::SealedBatches(3, 2'000);
  testing::TestPush push(program.daemon_fd, testing::StartOf(1, 3));
  for (const std::string& batch : batches) push.Batch(batch);
  push.End();
  const v1::PushDone done = push.Done();
  INFO(done.DebugString());
  REQUIRE(done.outcome() == v1::PushDone::OK);
  REQUIRE(program.uplink->Wait(10'000).exit_code == 0);
  REQUIRE(collector.batches() == batches);
  // A push has its price, and it is one process's: a few dozen milliseconds and megabytes. The
  // kernel begins a child's maximum with that of the process it was forked from.
  rusage own = {};
  REQUIRE(getrusage(RUSAGE_SELF, &own) == 0);
  REQUIRE(done.cpu_us() < 2'000'000);
  REQUIRE(done.rss_kib_max() < 200'000 + static_cast<uint64_t>(own.ru_maxrss));
}

TEST_CASE("A program that hangs past its deadline is gone by itself", "[uplink]") {
  TestCollector collector;
  const testing::TempFolder state;
  collector.EnrollInto(state.path());
  const ProgramPush program = StartProgramPush(state.path());
  testing::TestPush push(program.daemon_fd, testing::StartOf(1, 3, 1'000));
  REQUIRE(push.Next().has_welcome());
  // Nothing that it does itself can end it now.
  program.uplink->Signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(7));
  program.uplink->Signal(SIGCONT);
  REQUIRE(program.uplink->Wait(10'000).exit_code == 128 + SIGALRM);
}

TEST_CASE("A program that was given two sockets does not choose", "[uplink]") {
  const Outcome outcome =
      RunProgram({CANDOR_UPLINK_PROGRAM, "push"}, 10'000, {{"LISTEN_FDS", "2"}});
  REQUIRE(outcome.exit_code == 1);
  REQUIRE(outcome.err.find("exactly one socket") != std::string::npos);
}

TEST_CASE("A push without a socket fails with one line", "[uplink]") {
  const Outcome outcome = RunProgram({CANDOR_UPLINK_PROGRAM, "push", "--fd", "900"});
  REQUIRE(outcome.exit_code == 1);
  REQUIRE(outcome.err.find("descriptor 900") != std::string::npos);
}

}  // namespace
}  // namespace candor
