// kill -9 of a real process that spools, at random instants.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <set>

#include "tests/unit/agent/spool/support.h"

namespace candor {
namespace {

using testing::HeldBatches;
using testing::NumberedHarvest;
using testing::SpoolInFolder;

// What the child tells once a step has returned: 'a' harvest added, 'k' batch acknowledged.
struct Told {
  char what;
  int64_t number;
};

[[noreturn]] void SpoolForEver(const SpoolOptions& options, uint64_t seed, int64_t first, int out) {
  SystemClock clock;
  SystemRandom random;
  SeededRandom dice(seed);
  auto spool = Spool::Open(options, clock, random);
  if (!spool.ok()) _exit(3);
  const auto tell = [out](char what, int64_t number) {
    const Told told{what, number};
    if (write(out, &told, sizeof told) != sizeof told) _exit(0);
  };
  for (int64_t n = first;; ++n) {
    if (!(*spool)->Add(NumberedHarvest(n, n % 7 == 0)).ok()) _exit(4);
    tell('a', n);
    if (dice.Below(3) == 0 && !(*spool)->Seal().ok()) _exit(5);
    if (dice.Below(6) != 0) continue;
    const auto position = (*spool)->Position();
    if (!position.ok() || position->last_sealed < position->first_held) continue;
    if (!(*spool)->Acknowledge(position->epoch, position->first_held, {}).ok()) _exit(6);
    tell('k', static_cast<int64_t>(position->first_held));
  }
}

TEST_CASE(
    "kill -9 at any instant loses nothing that was added and brings back nothing acknowledged") {
  SpoolInFolder test;
  // Both processes live at the same time, or the child would expire what this one sealed.
  test.clock.SetWall(SystemClock().WallMs());
  SeededRandom dice(7);
  std::set<int64_t> seen;
  std::map<int64_t, uint64_t> batch_of;
  uint64_t acknowledged = 0;
  int64_t added = 0;
  for (int round = 0; round < 20; ++round) {
    test.spool.reset();
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      close(ends[0]);
      SpoolForEver(test.options, dice.Next64(), added + 1, ends[1]);
    }
    close(ends[1]);
    Told told{};
    // On a slow disk the few milliseconds begin only when the spool is open; but some rounds may
    // end before that.
    if (round % 4 != 0 && read(ends[0], &told, sizeof told) == sizeof told) added = told.number;
    usleep(static_cast<useconds_t>(2'000 + dice.Below(25'000)));
    kill(child, SIGKILL);
    int state = 0;
    REQUIRE(waitpid(child, &state, 0) == child);
    REQUIRE(WIFSIGNALED(state));
    while (read(ends[0], &told, sizeof told) == sizeof told) {
      if (told.what == 'a') added = told.number;
      if (told.what == 'k') acknowledged = static_cast<uint64_t>(told.number);
    }
    close(ends[0]);

    test.Reopen();
    REQUIRE_OK(test.spool->Seal());
    CAPTURE(round);
    REQUIRE(test.Position().first_held > acknowledged);
    for (const auto& batch : HeldBatches(*test.spool)) {
      for (const int64_t n : batch.Numbers()) {
        // Bytes and place of what was sealed stay; a harvest is in one batch only.
        const auto [at, fresh] = batch_of.emplace(n, batch.batch.seq());
        REQUIRE((fresh || at->second == batch.batch.seq()));
        seen.insert(n);
      }
    }
    // The step that was cut off may have become durable without a word.
    const int64_t newest = seen.empty() ? 0 : *seen.rbegin();
    REQUIRE((newest <= added + 1));
    REQUIRE(test.spool->Cursor("journal") ==
            (std::max(newest, added) == 0 ? "" : std::to_string(std::max(newest, added))));
    added = std::max(newest, added);
  }
  // What was acknowledged before this process could look at it is in the ledger.
  const auto ledger = test.spool->Ledger(INT64_MAX, 100'000);
  REQUIRE_OK(ledger);
  for (const auto& row : *ledger) {
    for (const int64_t n : testing::OpenBatch(row.sealed).Numbers()) seen.insert(n);
  }
  REQUIRE(added >= 15);
  REQUIRE(static_cast<int64_t>(seen.size()) == added);
}

}  // namespace
}  // namespace candor
