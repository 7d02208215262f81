// Exactly once, in effect; everything behind the log is a fold.
#include <signal.h>

#include "tests/e2e/dump_text.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/settings.h"

namespace candor::testing {
namespace {

struct Fleet {
  uint64_t devices = FromEnvironment("CANDOR_DEVICES", 20);
  uint64_t days = FromEnvironment("CANDOR_DAYS", 10);
  uint64_t seed = FromEnvironment("CANDOR_SEED", 5);

  std::vector<std::string> Words() const {
    return {"--devices", std::to_string(devices), "--days", std::to_string(days),
            "--seed",    std::to_string(seed)};
  }
};

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
  const Fleet fleet;
  INFO("CANDOR_SEED=" << fleet.seed);
  CollectorFixture once;
  once.Start();
  once.Play(With(
      fleet.Words(),
      {"--token-file", once.TokenFile(static_cast<uint32_t>(fleet.devices)), "--enroll-only"}));
  once.Stop();
  const auto twice = once.Clone();

  once.Start();
  once.Play(fleet.Words());
  once.WaitFolded();
  once.Stop();

  twice->Start();
  const auto play = twice->StartPlay(With(fleet.Words(), {"--twice"}));
  for (const int signal : {SIGTERM, SIGKILL, SIGTERM}) {
    WaitForBatches(*twice, *play, 7.0 * static_cast<double>(fleet.devices));
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
