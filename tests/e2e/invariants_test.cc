// Exactly once, in effect; everything behind the log is a fold.
#include <signal.h>

#include "tests/e2e/dump_text.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"

namespace candor::testing {
namespace {

const std::vector<std::string> kFleet = {"--devices", "20", "--days", "10", "--seed", "5"};

std::vector<std::string> With(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Waits until the collector stored `batches` more than now, or the play ended.
void WaitForBatches(CollectorFixture& collector, Process& play, double batches) {
  const double from = collector.Metric("ingest_batches_total").value_or(0);
  while (play.running() && collector.Metric("ingest_batches_total").value_or(0) < from + batches) {
    usleep(20'000);
  }
}

TEST_CASE("every batch twice, out of step, with three collector restarts changes no figure") {
  CollectorFixture once;
  once.Start();
  once.Play(With(kFleet, {"--token-file", once.TokenFile(20), "--enroll-only"}));
  once.Stop();
  const auto twice = once.Clone();

  once.Start();
  once.Play(kFleet);
  once.WaitFolded();
  once.Stop();

  twice->Start();
  const auto play = twice->StartPlay(With(kFleet, {"--twice", "--batch-minutes", "60"}));
  for (const int signal : {SIGTERM, SIGKILL, SIGTERM}) {
    WaitForBatches(*twice, *play, 150);
    CHECK(play->running());
    twice->Stop(signal);
    twice->Start();
  }
  RequireSuccess(play->Wait(300'000), "candor-loadgen --twice");
  CHECK(twice->Metric("ingest_duplicates_total").value_or(0) > 100);
  CHECK(twice->Metric("ingest_forks_total") == 0);
  twice->WaitFolded();
  twice->Stop();

  const std::string expected = once.Dump();
  CHECK(expected.size() > 100'000);
  CHECK(twice->Dump() == expected);

  // A rebuild gives the same dump, byte for byte.
  twice->Offline("rebuild");
  CHECK(twice->Dump() == expected);
  CHECK(twice->Offline("check").exit_code == 0);
}

}  // namespace
}  // namespace candor::testing
