#include "tests/support/process.h"

#include <signal.h>

#include "tests/support/catch.h"

namespace candor::testing {
namespace {

TEST_CASE("a program's output, errors and exit code come back") {
  const Outcome outcome = RunProgram({"sh", "-c", "echo out; echo err >&2; exit 7"});
  CHECK(outcome.out == "out\n");
  CHECK(outcome.err == "err\n");
  CHECK(outcome.exit_code == 7);
}

TEST_CASE("a line is waited for while the program runs on") {
  Process process({.words = {"sh", "-c", "echo ready port=17 >&2; exec sleep 60"}});
  const auto line = process.WaitForLine("ready", 5'000);
  REQUIRE(line);
  CHECK(FieldOf(*line, "port") == "17");
  CHECK_FALSE(FieldOf(*line, "ort"));
  CHECK(process.running());
  process.Signal(SIGTERM);
  CHECK(process.Wait(5'000).exit_code == 128 + SIGTERM);
}

TEST_CASE("a program that ends without the line does not let the test wait") {
  Process process({.words = {"true"}});
  CHECK_FALSE(process.WaitForLine("ready", 60'000));
}

TEST_CASE("a program that outlives its time is killed") {
  Process process({.words = {"sleep", "60"}});
  CHECK(process.Wait(50).exit_code == -1);
}

TEST_CASE("a grandchild that keeps the pipes open does not keep the test") {
  Process process({.words = {"sh", "-c", "sleep 60 & echo $!"}});
  const Outcome outcome = process.Wait(5'000);
  CHECK(outcome.exit_code == 0);
  kill(static_cast<pid_t>(std::stoi(outcome.out)), SIGKILL);
}

TEST_CASE("input is given and environment added") {
  Process process({.words = {"sh", "-c", "read line; echo $line $CANDOR_WORD"},
                   .environment = {{"CANDOR_WORD", "there"}},
                   .input = "hello\n"});
  CHECK(process.Wait(5'000).out == "hello there\n");
}

TEST_CASE("a program that does not exist is a clear error") {
  CHECK_THROWS(Process({.words = {"/no/such/program"}}));
}

}  // namespace
}  // namespace candor::testing
